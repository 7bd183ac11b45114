"""`make bench-waiting`: what hundreds of tenants cost that wait for readiness all at once.

It runs in a sandbox of its own (`.sandbox-bench-waiting`), where one region's pods start slowly. Numbers are printed,
never asserted. Beside the waiting region another one works: what a newcomer there needs tells whether workers are free.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import psycopg
from psycopg.rows import dict_row
from rich.console import Console

from bench import provisioning, unwinding
from sandbox import lifecycle
from sandbox.access import Access
from sandbox.airflow_env import AirflowOptions
from sandbox.faults.client import FaultClient
from sandbox.layout import PROJECT, Layout
from sandbox.problems import SandboxError
from sandbox.progress import ProgressReporter
from sandbox.triggerer import WAIT, busy_seconds, megabytes, wait_ended_at

_RUNS: Final = f"/api/v2/dags/{provisioning.SAGA}/dagRuns"
_SLOW, _QUICK = "eu-central", "us-east"
_HOUR_SECONDS: Final = 3600.0
_CANCELLED: Final = 10

_ENDED = "select count(*) n from dag_run where dag_id = %s and state = %s"
_WAITING = "select count(*) n from task_instance where task_id = %s and state = 'deferred' and trigger_id is not null"
_TRIGGER = "select trigger_id from task_instance where run_id = %s and task_id = %s"
_EXISTS = "select count(*) n from trigger where id = %s"


@dataclass(frozen=True)
class WaitingBench:
    """The sandbox, and where its progress is told."""

    access: Access
    client: httpx.Client
    progress: ProgressReporter

    def ask(self, statement: str, *parameters: object) -> dict[str, Any]:
        """One row of Airflow's metadata database: asking its API for 300 runs would be a load of its own."""
        with psycopg.connect(self.access.metadata_dsn, row_factory=dict_row, autocommit=True) as connection:
            row = connection.execute(statement, parameters).fetchone()
        return row or {}

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return int(self.ask(_ENDED, provisioning.SAGA, "failed")["n"])

    def until(self, condition: Callable[[], bool], what: str, every: float = 0.5) -> float:
        """How many seconds it took. No run may fail but those that are marked so."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > _HOUR_SECONDS or self.failed > _CANCELLED:
                raise SandboxError(f"Waited in vain for {what}; {self.failed} runs failed.")
            time.sleep(every)
        return time.monotonic() - began


def main() -> int:
    options = _parser().parse_args()
    console = Console(highlight=False, soft_wrap=True)
    layout = Layout.find(PROJECT / ".sandbox-bench-waiting")
    try:
        lifecycle.down(layout, purge=True)
        with _up(layout, ProgressReporter(console)) as waiting:
            _measure(waiting, options.tenants, console)
    except SandboxError as problem:
        print(f"bench-waiting: {problem}", file=sys.stderr)
        return 1
    finally:
        lifecycle.down(layout, purge=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.waiting", description=__doc__)
    parser.add_argument("--tenants", type=int, default=300, help="how many wait at once (default: %(default)s)")
    return parser


@contextmanager
def _up(layout: Layout, progress: ProgressReporter) -> Iterator[WaitingBench]:
    layout.create()
    airflow_options = AirflowOptions(extra_env={"TENANCY_PLATFORM_FILE": str(_platform_without_time_limit(layout))})
    lifecycle.up(layout, airflow_options=airflow_options, usual_ports=False, progress=progress)
    access = Access(layout)
    with access.client("operator") as client:
        provisioning.await_dag(client, provisioning.SAGA)
        yield WaitingBench(access, client, progress)


def _platform_without_time_limit(layout: Layout) -> Path:
    """The sandbox's offer, but nobody waits in vain: on a slow machine the last begins long after the first."""
    file = layout.logs / "platform.toml"  # a folder that goes with the sandbox
    shipped = layout.platform_file.read_text(encoding="utf-8")
    file.write_text(f"{shipped}\n{WAIT} = {_HOUR_SECONDS / 60:.0f}\n", encoding="utf-8")
    return file


def _measure(bench: WaitingBench, tenants: int, console: Console) -> None:
    print_line = console.print
    provisioning.time_run(bench.client, provisioning.SAGA, _request(_QUICK))  # warms up caches
    alone = provisioning.time_run(bench.client, provisioning.SAGA, _request(_QUICK))
    print_line(f"a tenant alone: trigger to Active {alone:.2f} s")
    print_line(f"triggerer before: {megabytes(bench.access.layout):.0f} MB (PSS)")
    fault_client = FaultClient(bench.access.layout)
    fault = fault_client.set("slow-start", region=_SLOW, seconds=_HOUR_SECONDS)
    with bench.progress.step(f"{tenants} tenants until all wait"):
        runs = [_trigger(bench, _request(_SLOW)) for _ in range(tenants)]
        bench.until(lambda: bench.ask(_WAITING, WAIT)["n"] == tenants, "all to be deferred")
    time.sleep(20)  # every trigger has had its first look
    print_line(f"triggerer with {tenants} waits: {megabytes(bench.access.layout):.0f} MB (PSS)")
    print_line(f"pool: {_pool(bench)}")
    print_line(f"triggerer's processor time in 30 s: {busy_seconds(bench.access.layout, 30):.1f} s")
    elsewhere = [provisioning.time_run(bench.client, provisioning.SAGA, _request(_QUICK)) for _ in range(3)]
    print_line(f"three more tenants elsewhere, each: trigger to Active {_spread(elsewhere)}")
    ended = [_cancel(bench, run) for run in runs[:_CANCELLED]]
    print_line(f"{_CANCELLED} runs marked failed: trigger's row gone after {_spread([row for row, _ in ended])}")
    print_line(f"  and its coroutine ended after {_spread([coroutine for _, coroutine in ended])}")
    before = bench.ask(_ENDED, provisioning.SAGA, "success")["n"]
    fault_client.clear(fault.id)
    expected = before + tenants - _CANCELLED
    took = bench.until(lambda: bench.ask(_ENDED, provisioning.SAGA, "success")["n"] == expected, "all to be Active")
    print_line(f"all pods ready at once: the other {tenants - _CANCELLED} were Active after {took:.0f} s")
    print_line(f"runs failed but for those: {bench.failed - _CANCELLED}")
    print_line(f"triggerer after: {megabytes(bench.access.layout):.0f} MB (PSS)")
    print_line(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {psutil.cpu_count()} cores, LocalExecutor")


def _request(region: str) -> dict[str, str]:
    return {**unwinding.request(), "region": region}


def _trigger(bench: WaitingBench, conf: dict[str, str]) -> str:
    answer = bench.client.post(_RUNS, json={"logical_date": None, "conf": conf})
    answer.raise_for_status()
    return str(answer.json()["dag_run_id"])


def _cancel(bench: WaitingBench, run: str) -> tuple[float, float]:
    """Seconds from a mark-failed to the end of the trigger's row and of its coroutine."""
    trigger = bench.ask(_TRIGGER, run, WAIT)["trigger_id"]
    began = datetime.now(UTC)
    bench.client.patch(f"{_RUNS}/{run}", json={"state": "failed"}).raise_for_status()
    row = bench.until(lambda: bench.ask(_EXISTS, trigger)["n"] == 0, "a trigger to go", every=0.02)
    bench.until(lambda: any(wait_ended_at(bench.access, run)), "a wait to end", every=0.1)
    return row, (next(wait_ended_at(bench.access, run)) - began).total_seconds()


def _pool(bench: WaitingBench) -> str:
    with bench.access.client("engineer") as engineer:
        pool = engineer.get("/api/v2/pools/default_pool").json()
    return ", ".join(f"{pool[f'{kind}_slots']} {kind}" for kind in ("open", "running", "queued", "deferred"))


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} s in the middle, {max(seconds):.2f} s at most"


if __name__ == "__main__":
    sys.exit(main())
