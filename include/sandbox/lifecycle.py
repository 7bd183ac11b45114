"""Starts and stops a sandbox: which parts, in which order, and what a dead part means for the others.

The command line, test fixtures and benchmarks call it. `up` works in any state, also after a kill -9 of any process or
of itself, and does only what is needed. It ends no process that was not recorded when it was started.
"""

import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from sandbox import (
    airflow_env,
    broker,
    cluster_server,
    executors,
    health,
    heartbeats,
    json_files,
    lock,
    ports,
    preflight,
    preparation_record,
    processes,
    readiness,
    secrets,
    servers,
    shutdown,
)
from sandbox.airflow_env import AirflowOptions
from sandbox.broker import Broker
from sandbox.broker_supervisor import BrokerSupervisor
from sandbox.cluster_server import ClusterServer
from sandbox.components import API_SERVER, COMPONENTS, DAG_PROCESSOR, EVERY_NAME, PREPARE, Component
from sandbox.database_names import AIRFLOW
from sandbox.executors import AIRFLOWS_NAME, Executor
from sandbox.layout import Layout
from sandbox.polling import RESPONSE_SECONDS, poll
from sandbox.postgres import PostgresServer
from sandbox.problems import PortTakenError
from sandbox.processes import Daemon, Register
from sandbox.programs import write_programs
from sandbox.progress import NoProgress, ProgressReporter
from sandbox.secrets import Secrets

_PORT_TRIES: Final = 1 + len(ports.USUAL)
"""Each of them may be taken once."""


def up(
    layout: Layout,
    *,
    airflow_options: AirflowOptions | None = None,
    usual_ports: bool = True,
    progress: ProgressReporter | None = None,
) -> None:
    """Start what does not run and restart what hangs. Returns when all parts are healthy."""
    airflow_options = airflow_options or AirflowOptions()
    preflight.check(layout)
    layout.create()
    preflight.check_executor(airflow_options.executor or executors.remembered(layout))
    with lock.held(layout):
        _up(layout, airflow_options, progress or NoProgress(), usual_ports=usual_ports)


def _up(layout: Layout, airflow_options: AirflowOptions, progress: ProgressReporter, *, usual_ports: bool) -> None:
    """Another program, such as a second sandbox, may take a port between its choice and its use."""
    for _ in range(_PORT_TRIES - 1):
        try:
            return _Sandbox(layout, airflow_options, progress, usual_ports=usual_ports).up()
        except PortTakenError as error:
            progress.say(f"A port was taken meanwhile; choosing another one. {error}")
    return _Sandbox(layout, airflow_options, progress, usual_ports=usual_ports).up()


def down(layout: Layout, *, purge: bool = False, progress: ProgressReporter | None = None) -> None:
    """Stop all parts in reverse order. With `purge`, delete data, passwords and logs too."""
    if not layout.exists:
        return
    with lock.held(layout):
        _clear_faults(layout, progress or NoProgress())
        shutdown.stop_everything(Register(layout.processes), progress or NoProgress())
        if purge:
            layout.remove()


class _Sandbox:
    def __init__(
        self, layout: Layout, airflow_options: AirflowOptions, progress: ProgressReporter, *, usual_ports: bool
    ) -> None:
        self.layout = layout
        self.airflow_options = airflow_options
        self.progress = progress
        self.register = Register(layout.processes)
        self.secrets: Secrets = secrets.load_or_create(layout.secrets)
        self.ports: Mapping[str, int] = self._choose_ports(usual_ports=usual_ports)
        self.executor: Executor = airflow_options.executor or executors.remembered(layout)
        self.components = COMPONENTS[self.executor]
        self.environment = airflow_env.variables(layout, self.ports, self.secrets, airflow_options, self.executor)

    def up(self) -> None:
        write_programs(self.layout, Path(self.environment["TENANCY_PRODUCTS"]))
        if self._nothing_to_do():
            self.progress.say(f"The sandbox in {self.layout.home} is up and healthy.")
            return
        self._say_what_changes()
        airflow_env.write_command(self.layout, self.environment)
        cluster = None if self._cluster_runs() else self._launch_cluster()
        # Airflow's processes that lost their database may live on without working, and those with other settings
        # must not run while their tables change.
        platform_started = self._start_server(servers.PLATFORM)
        self._start_server(servers.STORAGE)
        stale = [each.name for each in self.components if platform_started or not self._is_current(each)]
        shutdown.stop_airflow(self.register, [*stale, *self._of_other_executors()])
        executors.remember(self.layout, self.executor)
        self._broker_supervisor.start_or_stop()
        self._prepare()
        if cluster:
            with self.progress.step(f"Start the cluster on port {self.ports['cluster']}"):
                self._cluster.await_ready(cluster)
        self._start_airflow()

    def _nothing_to_do(self) -> bool:
        """Cheap checks come first: a second `up` takes 0.2 s."""
        return (
            all(self._is_current(component) for component in self.components)
            and not self._of_other_executors()
            and preparation_record.is_current(
                self.layout, preparation_record.digest(self.layout, self.ports, self.secrets)
            )
            and all(self._server_runs(name) for name in servers.NAMES)
            and self._alive(cluster_server.NAME)
            and self._cluster.healthy()
            and self._broker_supervisor.is_healthy()
            and health.all_healthy(self._fetch_health(), self.components)
        )

    def _say_what_changes(self) -> None:
        before = executors.remembered(self.layout)
        if before != self.executor and any(self._alive(each.name) for each in COMPONENTS[before]):
            self.progress.say(
                f"The executor changes from {AIRFLOWS_NAME[before]} to {AIRFLOWS_NAME[self.executor]}: Airflow starts "
                "anew, and tasks that run now are tried again."
            )

    def _of_other_executors(self) -> list[str]:
        """Airflow processes that only another executor needs."""
        ours = {component.name for component in self.components}
        return [name for name in EVERY_NAME if name not in ours and self.register.get(name)]

    @property
    def _broker_supervisor(self) -> BrokerSupervisor:
        broker = Broker.of(self.layout, self.ports, self.secrets)
        return BrokerSupervisor(broker, self.register, self.progress, needed=self.executor == "celery")

    def _choose_ports(self, *, usual_ports: bool) -> dict[str, int]:
        owners = {"api": API_SERVER.name, "cluster": cluster_server.NAME, "ingress": cluster_server.NAME}
        owners |= {name: servers.process_name(name) for name in servers.NAMES} | {"broker": broker.NAME}
        running = {name for name, process in owners.items() if self._alive(process)}
        usual = ports.USUAL if usual_ports else dict.fromkeys(ports.USUAL, 0)
        chosen = ports.choose(ports.recorded(self.layout.ports), running=running, usual=usual)
        if chosen != ports.recorded(self.layout.ports):
            json_files.write(self.layout.ports, dict(chosen))
        return chosen

    def _alive(self, name: str) -> bool:
        daemon = self.register.get(name)
        return daemon is not None and daemon.alive

    def _is_current(self, component: Component) -> bool:
        """It runs with the settings that it would get now."""
        daemon = self.register.get(component.name)
        return daemon is not None and daemon.fingerprint == self._fingerprint(component) and daemon.alive

    def _fingerprint(self, component: Component) -> str:
        return airflow_env.fingerprint(self._environment_of(component), component.command(self.layout), self._code_hash)

    @cached_property
    def _code_hash(self) -> str:
        return airflow_env.hash_code(self.layout)

    def _environment_of(self, component: Component) -> dict[str, str]:
        return {**self.environment, **component.environment}

    def _server_runs(self, name: str) -> bool:
        return self._alive(servers.process_name(name)) and self._server(name).healthy()

    def _server(self, name: str) -> PostgresServer:
        return servers.server(name, self.layout, self.ports, self.secrets)

    def _start_server(self, name: str) -> bool:
        """Start it unless it answers. Returns whether it was started."""
        server = self._server(name)
        if self._alive(server.name) and poll(RESPONSE_SECONDS, server.healthy):
            return False
        if not server.initialised:
            with self.progress.step(f"Create PostgreSQL ({name})"):
                server.create()
        with self.progress.step(f"Start PostgreSQL ({name}) on port {server.port}"):
            shutdown.stop_servers(self.register, [server.name])
            server.start(record=self.register.put)
        return True

    @property
    def _cluster(self) -> ClusterServer:
        return ClusterServer.of(self.layout, self.ports)

    def _cluster_runs(self) -> bool:
        return self._alive(cluster_server.NAME) and poll(RESPONSE_SECONDS, self._cluster.healthy)

    def _launch_cluster(self) -> Daemon:
        """Start it in parallel: it takes a second, and nothing needs it before Airflow does."""
        shutdown.stop_cluster(self.register)
        return self._cluster.launch(self.register.put)

    def _prepare(self) -> None:
        # Imported here, because it takes 0.3 s and an `up` with nothing to do does not need it.
        from sandbox.preparation import Preparation

        shutdown.stop_airflow(self.register, [PREPARE])
        Preparation(self.layout, self.ports, self.secrets, self.environment, self.register, self.progress).ensure()

    def _start_airflow(self) -> None:
        # Twice, because the health of the others is unknown while the api-server is down.
        for _ in range(2):
            unhealthy = self._unhealthy_components()
            if not unhealthy:
                return
            self._restart(unhealthy)

    def _unhealthy_components(self) -> list[Component]:
        report = self._report()
        return [component for component in self.components if not self._is_healthy(component, report)]

    def _report(self) -> health.Report | None:
        if self._alive(API_SERVER.name):
            return poll(RESPONSE_SECONDS, self._fetch_health)
        return None

    def _fetch_health(self) -> health.Report | None:
        return heartbeats.report(self.layout, self.ports, self.secrets, self.executor)

    def _is_healthy(self, component: Component, report: health.Report | None) -> bool:
        if not self._is_current(component):
            return False
        unknown = report is None and component is not API_SERVER
        return unknown or health.is_healthy(report, component)

    def _restart(self, unhealthy: list[Component]) -> None:
        began = time.time()
        names = [component.name for component in unhealthy]
        with self.progress.step(f"Start Airflow: {', '.join(names)}"):
            shutdown.stop_airflow(self.register, names)
            started = [(component, self._launch(component)) for component in unhealthy]
            listening = {API_SERVER.name: self.ports["api"]}
            readiness.await_health(self._fetch_health, started, log_of=self.layout.log_of, ports=listening)
        if DAG_PROCESSOR in unhealthy:
            folder = self.airflow_options.dags_folder or self.layout.dags
            with self.progress.step(f"Parse the DAGs in {folder}"):
                readiness.await_dags(self._metadata_dsn(), folder, since=began)

    def _metadata_dsn(self) -> str:
        return self._server(servers.PLATFORM).dsn(AIRFLOW, AIRFLOW, self.secrets.airflow_database)

    def _launch(self, component: Component) -> Daemon:
        return processes.start(
            component.name,
            component.command(self.layout),
            environment=airflow_env.complete(self._environment_of(component)),
            directory=self.layout.home,
            log=self.layout.log_of(component.name),
            fingerprint=self._fingerprint(component),
            record=self.register.put,
        )


def _clear_faults(layout: Layout, progress: ProgressReporter) -> None:
    """Clear them before anything is stopped: most need their server for it."""
    chosen = ports.recorded(layout.ports)
    cluster = ClusterServer.of(layout, chosen) if "cluster" in chosen else None
    if json_files.read(layout.faults) or (cluster and cluster.faults() != []):
        # Imported here, because it takes 0.3 s and hardly any `down` needs it.
        from sandbox.faults.client import FaultClient

        with progress.step("Clear faults"):
            FaultClient(layout).clear_for_shutdown()
