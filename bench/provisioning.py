"""`make bench-provisioning`: how long provisioning and unwinding take, compared with empty tasks on the same Airflow.

It runs in a sandbox of its own (`.sandbox-bench`): first with Airflow's stock settings, then with ours. Timings are
printed, never asserted, because they depend on the machine.
"""

import argparse
import json
import platform
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
from rich.console import Console
from rich.table import Table

from bench import unwinding
from sandbox import lifecycle
from sandbox.access import Access
from sandbox.airflow_env import AirflowOptions, Profile
from sandbox.executors import AIRFLOWS_NAME, EXECUTORS, Executor
from sandbox.layout import PROJECT, Layout
from sandbox.problems import SandboxError
from sandbox.progress import ProgressReporter

_BUNDLE: Final = "airflow.dag_processing.bundles.local.LocalDagBundle"
_DAGS: Final = Path(__file__).parent / "dags"
RUN_SECONDS: Final = 120.0
EMPTY: Final = "empty_tasks"
SAGA: Final = "tenant_provisioning"


@dataclass(frozen=True)
class Sample:
    """Seconds from the trigger to the end of each run."""

    what: str
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def main() -> int:
    options = _parser().parse_args()
    console = Console(highlight=False)
    layout = Layout.find(PROJECT / ".sandbox-bench")
    try:
        samples = list(_measure(layout, options.runs, options.executor, ProgressReporter(console)))
    except SandboxError as problem:
        print(f"bench: {problem}", file=sys.stderr)
        return 1
    finally:
        lifecycle.down(layout, purge=True)
    _print(samples, console, AIRFLOWS_NAME[options.executor])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.provisioning", description=__doc__)
    parser.add_argument("--runs", type=int, default=10, help="runs of each kind (default: %(default)s)")
    parser.add_argument("--executor", choices=EXECUTORS, default="local", help="who runs tasks (default: %(default)s)")
    return parser


def _measure(layout: Layout, runs: int, executor: Executor, progress: ProgressReporter) -> Iterator[Sample]:
    one_by_one = f"{runs} runs of empty tasks, one at a time"
    with _up(layout, "stock", executor, progress) as access, progress.step(one_by_one):
        yield Sample("empty tasks, stock settings", _times(access, runs, EMPTY, dict))
    with _up(layout, "shipped", executor, progress) as access:
        with progress.step(one_by_one):
            yield Sample("empty tasks, our settings", _times(access, runs, EMPTY, dict))
        with progress.step(f"{runs} tenants, one at a time"):
            yield Sample("trigger to Active", _times(access, runs, SAGA, unwinding.request))
        with progress.step(f"{runs} tenants cancelled in the middle, one at a time"):
            yield Sample("Cancel to nothing left", unwinding.from_cancel(access, runs))
        with progress.step(f"{runs} tenants that fail, one at a time"):
            yield Sample("failure to nothing left", unwinding.from_failure(access, runs))


@contextmanager
def _up(layout: Layout, profile: Profile, executor: Executor, progress: ProgressReporter) -> Iterator[Access]:
    bundles = [
        {"name": "dags-folder", "classpath": _BUNDLE, "kwargs": {}},
        {"name": "bench", "classpath": _BUNDLE, "kwargs": {"path": str(_DAGS)}},
    ]
    ours = {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles)}
    airflow_options = AirflowOptions(profile=profile, extra_env=ours, executor=executor)
    progress.say(f"Airflow with {profile} settings, {AIRFLOWS_NAME[executor]}")
    lifecycle.up(layout, airflow_options=airflow_options, usual_ports=False, progress=progress)
    try:
        yield Access(layout)
    finally:
        lifecycle.down(layout)


def _times(access: Access, runs: int, dag: str, conf: Callable[[], dict[str, str]]) -> tuple[float, ...]:
    with access.client("operator") as client:
        await_dag(client, dag)
        time_run(client, dag, conf())  # the first one after a start warms up caches on both sides
        return tuple(time_run(client, dag, conf()) for _ in range(runs))


def await_dag(client: httpx.Client, dag: str) -> None:
    deadline = time.monotonic() + RUN_SECONDS
    while client.get(f"/api/v2/dags/{dag}").status_code != 200:
        if time.monotonic() > deadline:
            raise SandboxError(f"Airflow did not parse the DAG {dag} within {RUN_SECONDS:.0f} s.")
        time.sleep(0.2)


def time_run(client: httpx.Client, dag: str, conf: dict[str, str], seconds: float = RUN_SECONDS) -> float:
    """Seconds from queued to ended, both by Airflow's clock."""
    answer = client.post(f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": None, "conf": conf})
    answer.raise_for_status()
    run = await_end(client, f"/api/v2/dags/{dag}/dagRuns/{answer.json()['dag_run_id']}", seconds)
    if run["state"] != "success":
        raise SandboxError(f"A run of {dag} ended {run['state']}: {run['dag_run_id']}")
    return (datetime.fromisoformat(run["end_date"]) - datetime.fromisoformat(run["queued_at"])).total_seconds()


def await_end(client: httpx.Client, path: str, seconds: float = RUN_SECONDS) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        run: dict[str, Any] = client.get(path).json()
        if run["state"] in {"success", "failed"}:
            return run
        time.sleep(0.2)
    raise SandboxError(f"A run did not end within {seconds:.0f} s: {path}")


def _print(samples: list[Sample], console: Console, executor: str) -> None:
    stock, ours, saga, cancel, failure = samples
    table = Table("what", "runs", "median s", "min s", "max s")
    for sample in samples:
        numbers = (f"{number:.2f}" for number in (sample.median, min(sample.seconds), max(sample.seconds)))
        table.add_row(sample.what, str(len(sample.seconds)), *numbers)
    console.print(table)
    console.print(f"to Active / empty tasks with stock settings: {saga.median / stock.median:.2f}   (to reach: 0.50)")
    console.print(f"to Active / empty tasks with our settings:   {saga.median / ours.median:.2f}   (to reach: 1.60)")
    console.print(f"Cancel to nothing left: {cancel.median:.2f} s   (to reach: 5)")
    console.print(f"failure to nothing left: {failure.median:.2f} s   (to reach: 2)")
    memory = psutil.virtual_memory().total / 2**30
    where = f"{psutil.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"
    console.print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {where}, {executor}")


if __name__ == "__main__":
    sys.exit(main())
