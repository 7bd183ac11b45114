"""`make bench-pages`: what fifty open pages cost the api-server, and whether tasks notice, while 20 tenants provision.

It runs in a sandbox of its own (`.sandbox-bench-pages`). It polls pages as a browser does: by cookie, compressed, with
the last ETag, as often as the page says. It provisions twenty tenants at once, in turn without pages and with them.
Numbers are printed, never asserted.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from queue import Empty
from typing import Any, Final

import httpx
import psutil
from rich.console import Console

from bench import provisioning, unwinding
from bench.browser_tabs import Tabs, browse, probe
from sandbox import lifecycle
from sandbox.access import Access
from sandbox.layout import PROJECT, Layout
from sandbox.problems import SandboxError
from sandbox.processes import Register
from sandbox.progress import ProgressReporter

_RUNS: Final = f"/api/v2/dags/{provisioning.SAGA}/dagRuns"
_REST_SECONDS: Final = 30.0
_TIMEOUT_SECONDS: Final = 300.0
_ROUND_SECONDS: Final = 900.0
"""For all tenants of a round: on a busy machine twenty at once take minutes."""
_MAX_CPU_SHARE: Final = 0.10
_MAX_LATENCY_RATIO: Final = 1.10
"""The targets: less than 10 % of a core, and no delay of Airflow's task API. A tenth is noise."""


@dataclass(frozen=True)
class PhaseMeasurements:
    """The measurements of one phase."""

    cpu_seconds: float
    """Of the api-server."""
    wall_seconds: float
    latencies: tuple[float, ...]
    """Seconds of a call that all tasks make: the task API's own health."""
    polls: int
    unchanged: int
    active: tuple[float, ...] = ()
    """Seconds from trigger to Active."""

    @property
    def share(self) -> float:
        """Of one core."""
        return self.cpu_seconds / self.wall_seconds


def main() -> int:
    options = _parser().parse_args()
    console = Console(highlight=False, soft_wrap=True)
    layout = Layout.find(PROJECT / ".sandbox-bench-pages")
    try:
        lifecycle.down(layout, purge=True)
        lifecycle.up(layout, usual_ports=False, progress=ProgressReporter(console))
        _measure(Access(layout), options, console)
    except SandboxError as problem:
        print(f"bench-pages: {problem}", file=sys.stderr)
        return 1
    finally:
        lifecycle.down(layout, purge=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.open_pages", description=__doc__)
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--tenants", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3, help="of provisioning, without and with pages each")
    return parser


def _measure(access: Access, options: argparse.Namespace, console: Console) -> None:
    with access.client("operator") as client:
        client.timeout = httpx.Timeout(300)  # a busy machine is slow, which is no failure
        provisioning.await_dag(client, provisioning.SAGA)
        provisioning.time_run(client, provisioning.SAGA, unwinding.request(), _ROUND_SECONDS)  # warms up caches
        with_pages, without = [], []
        rest = _phase(access, 0, _REST_SECONDS), _phase(access, options.pages, _REST_SECONDS)
        console.print(f"at rest: {_describe(rest[0])}\n  {options.pages} pages: {_describe(rest[1])}")
        for _ in range(options.rounds):
            without.append(_provisioning(access, client, 0, options.tenants))
            with_pages.append(_provisioning(access, client, options.pages, options.tenants))
            _print_round(console, options, without[-1], with_pages[-1])
    _print_summary(console, options, rest, without, with_pages)


def _provisioning(access: Access, client: httpx.Client, pages: int, tenants: int) -> PhaseMeasurements:
    """Provision `tenants` tenants at once and wait until all are Active."""
    asked = [unwinding.request() for _ in range(tenants)]
    answers = [client.post(_RUNS, json={"logical_date": None, "conf": conf}).raise_for_status() for conf in asked]
    with _measured(access, pages, [conf["slug"] for conf in asked]) as phase:
        ends = time.monotonic() + _ROUND_SECONDS
        paths = [f"{_RUNS}/{answer.json()['dag_run_id']}" for answer in answers]
        runs = [provisioning.await_end(client, path, ends - time.monotonic()) for path in paths]
    if any(run["state"] != "success" for run in runs):
        raise SandboxError("A tenant was not provisioned.")
    return phase(tuple(map(_seconds, runs)))


def _seconds(run: dict[str, Any]) -> float:
    ended, queued = datetime.fromisoformat(run["end_date"]), datetime.fromisoformat(run["queued_at"])
    return (ended - queued).total_seconds()


def _phase(access: Access, pages: int, seconds: float) -> PhaseMeasurements:
    with _measured(access, pages, []) as phase:
        time.sleep(seconds)
    return phase(())


@contextmanager
def _measured(
    access: Access, pages: int, slugs: list[str]
) -> Iterator[Callable[[tuple[float, ...]], PhaseMeasurements]]:
    """Measure the body of the `with`. Afterwards the yielded function returns the phase."""
    spawn = get_context("spawn")
    stop, results = spawn.Event(), spawn.Queue()
    token = access.token("viewer")
    workers = [spawn.Process(target=probe, args=(access.api_url, stop, results), daemon=True)]
    if pages:
        workers.append(
            spawn.Process(target=browse, args=(Tabs(access.api_url, token, pages, slugs), stop, results), daemon=True)
        )
    for worker in workers:
        worker.start()
        _next_result(results)  # it is at work
    began, cpu = time.monotonic(), _cpu(access)
    found: dict[str, Any] = {"polls": 0, "unchanged": 0}
    yield lambda active: PhaseMeasurements(active=active, **found)
    found.update(wall_seconds=time.monotonic() - began, cpu_seconds=_cpu(access) - cpu)
    stop.set()
    for _ in workers:
        found.update(_next_result(results))
    for worker in workers:
        worker.join()


def _next_result(queue: Any) -> dict[str, Any]:
    try:
        return dict(queue.get(timeout=_TIMEOUT_SECONDS))
    except Empty:
        raise SandboxError(
            f"The api-server has not responded to a page or a task for {_TIMEOUT_SECONDS:.0f} s."
        ) from None


def _cpu(access: Access) -> float:
    """Processor time of the api-server and its children so far."""
    daemon = Register(access.layout.processes).get("api-server")
    if daemon is None:
        raise SandboxError("The api-server is not there.")
    process = psutil.Process(daemon.pid)
    return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))


def _print_round(
    console: Console, options: argparse.Namespace, before: PhaseMeasurements, after: PhaseMeasurements
) -> None:
    console.print(f"{options.tenants} tenants: {_describe(before)}; to Active {statistics.median(before.active):.1f} s")
    console.print(f"  {options.pages} pages: {_describe(after)}; to Active {statistics.median(after.active):.1f} s")


def _print_summary(
    console: Console,
    options: argparse.Namespace,
    rest: tuple[PhaseMeasurements, PhaseMeasurements],
    without: list[PhaseMeasurements],
    with_: list[PhaseMeasurements],
) -> None:
    print_line = console.print
    print_line(f"the pages cost {rest[1].share - rest[0].share:.1%} of a core at rest")
    pairs = list(zip(without, with_, strict=True))
    share = statistics.median((b.cpu_seconds - a.cpu_seconds) / b.wall_seconds for a, b in pairs)
    cost = f"the pages cost {share:.1%} of a core while {options.tenants} provision"
    print_line(f"{_verdict(share < _MAX_CPU_SHARE)}: {cost}   (to reach: less than {_MAX_CPU_SHARE:.0%})")
    alone = [each for phase in without for each in phase.latencies]
    beside = [each for phase in with_ for each in phase.latencies]
    ratio = statistics.median(beside) / statistics.median(alone)
    tail = f"p95 {_p95(beside) / _p95(alone):.2f}"
    print_line(
        f"{_verdict(ratio <= _MAX_LATENCY_RATIO)}: the task API answers in {ratio:.2f} of the time it takes without "
        f"pages, {tail}   (to reach: unchanged, which is at most {_MAX_LATENCY_RATIO:g})"
    )
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print_line(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {psutil.cpu_count()} cores, load {load}, LocalExecutor")


def _verdict(reached: bool) -> str:
    return "met" if reached else "MISSED"


def _describe(phase: PhaseMeasurements) -> str:
    task = f"task API {statistics.median(phase.latencies) * 1000:.1f} ms (p95 {_p95(phase.latencies) * 1000:.0f})"
    polls = f", {phase.polls} polls ({phase.unchanged} unchanged)" if phase.polls else ""
    return f"api-server {phase.share:.1%} of a core for {phase.wall_seconds:.0f} s, {task}{polls}"


def _p95(values: Sequence[float]) -> float:
    return float(statistics.quantiles(values, n=20)[-1])


if __name__ == "__main__":
    sys.exit(main())
