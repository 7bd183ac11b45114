"""The state of each part of a sandbox, for `python -m sandbox status`. It changes nothing."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from sandbox import broker, cluster_server, executors, health, heartbeats, ports, secrets, servers
from sandbox.broker import Broker
from sandbox.cluster_server import ClusterServer
from sandbox.components import API_SERVER, COMPONENTS, Component
from sandbox.layout import Layout
from sandbox.processes import Daemon, Register

HEALTHY = "healthy"


@dataclass(frozen=True)
class PartStatus:
    """`state` is "healthy", "starting" (runs, not healthy yet), "dead" (it should run) or "stopped"."""

    component: str
    state: str
    pid: int | None
    port: int | None
    uptime_seconds: float | None


def read_status(layout: Layout) -> list[PartStatus]:
    register = Register(layout.processes)
    chosen = ports.recorded(layout.ports)
    parts = [*_servers(layout, register, chosen), _cluster(layout, register, chosen)]
    if executors.remembered(layout) == "celery":
        parts.append(_broker(layout, register, chosen))
    return [*parts, *_airflow(layout, register, chosen)]


def all_healthy(parts: list[PartStatus]) -> bool:
    return all(part.state == HEALTHY for part in parts)


def as_json(parts: list[PartStatus]) -> list[dict[str, Any]]:
    return [asdict(part) for part in parts]


def as_table(parts: list[PartStatus]) -> Table:
    table = Table("component", "state", "pid", "port", "uptime")
    for part in parts:
        colour = {"healthy": "green", "starting": "yellow", "dead": "red"}.get(part.state, "dim")
        cells = ("-" if each is None else str(each) for each in (part.pid, part.port))
        table.add_row(part.component, f"[{colour}]{part.state}[/]", *cells, _duration(part.uptime_seconds))
    return table


def _servers(layout: Layout, register: Register, chosen: dict[str, int]) -> list[PartStatus]:
    parts = []
    for name in servers.NAMES:
        process = servers.process_name(name)
        daemon = register.get(process)
        good = _alive(daemon) and servers.server(name, layout, chosen, secrets.load(layout.secrets)).healthy()
        parts.append(_part(process, daemon, good=good, port=chosen.get(name)))
    return parts


def _cluster(layout: Layout, register: Register, chosen: dict[str, int]) -> PartStatus:
    daemon = register.get(cluster_server.NAME)
    good = _alive(daemon) and ClusterServer.of(layout, chosen).healthy()
    return _part(cluster_server.NAME, daemon, good=good, port=chosen.get("cluster"))


def _broker(layout: Layout, register: Register, chosen: dict[str, int]) -> PartStatus:
    daemon = register.get(broker.NAME)
    good = _alive(daemon) and Broker.of(layout, chosen, secrets.load(layout.secrets)).healthy()
    return _part(broker.NAME, daemon, good=good, port=chosen.get("broker"))


def _airflow(layout: Layout, register: Register, chosen: dict[str, int]) -> list[PartStatus]:
    executor = executors.remembered(layout)
    answering = _alive(register.get(API_SERVER.name))
    report = heartbeats.report(layout, chosen, secrets.load(layout.secrets), executor) if answering else None
    return [_component(component, register, report, chosen) for component in COMPONENTS[executor]]


def _component(
    component: Component, register: Register, report: health.Report | None, chosen: dict[str, int]
) -> PartStatus:
    port = chosen.get("api") if component is API_SERVER else None
    daemon = register.get(component.name)
    return _part(component.name, daemon, good=health.is_healthy(report, component), port=port)


def _part(name: str, daemon: Daemon | None, *, good: bool, port: int | None) -> PartStatus:
    if daemon is None:
        return PartStatus(name, "stopped", None, None, None)
    if not daemon.alive:
        return PartStatus(name, "dead", None, port, None)
    return PartStatus(name, HEALTHY if good else "starting", daemon.pid, port, round(daemon.uptime_seconds, 1))


def _alive(daemon: Daemon | None) -> bool:
    return daemon is not None and daemon.alive


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
