"""`make bench-false-alarms`: many healthy tenants on a machine whose processors are taken, and no stall.

It runs in a sandbox of its own (`.sandbox-bench-false-alarms`) beside processes that only compute. It requests the
stalled tenants from the API every few seconds, and counts the stalls that the reconciler recorded at the end. One
stall, or one tenant that is not Active by its first attempt, is a failure. Times are printed, never asserted.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import psutil
import psycopg
from psycopg.rows import dict_row
from rich.console import Console

from bench import provisioning, unwinding
from sandbox import lifecycle
from sandbox.access import Access
from sandbox.layout import PROJECT, Layout
from sandbox.problems import SandboxError
from sandbox.progress import ProgressReporter

_REGIONS: Final = ("eu-central", "us-east")
_TIMEOUT_SECONDS: Final = 3600.0
_CHECK_SECONDS: Final = 5.0
_COMPUTE: Final = "while True: pass"
_UNDER_WAY: Final = "/tenancy/api/v1/tenants?state=Provisioning&limit=200"
_STANDING = "select count(*) as active from ledger.tenant where state = 'Active' and attempt = 1"
_RECORDED = "select count(*) as stalls from ledger.fact where kind = 'tenant.provisioning.stalled'"
_LONGEST = """
select data ->> 'activity' as activity, max(took) as seconds
  from (select kind, data, extract(epoch from at - lag(at) over (partition by stream order by seq))::float as took
          from ledger.fact where kind in ('tenant.provisioning.started', 'tenant.provisioning.step.completed')) as tick
 where kind = 'tenant.provisioning.step.completed' group by 1 order by 2 desc limit 1
"""
_WHOLE = """
select percentile_cont(array[0.5, 0.95, 1]) within group (order by extract(epoch from state_since - created_at)) as s
  from ledger.tenant
"""


@dataclass
class Observations:
    """The number of tenants, and what the API answered."""

    tenants: int = 0
    looks: int = 0
    unanswered: int = 0
    alarms: set[str] = field(default_factory=set)
    load: float = 0.0


def main() -> int:
    options = _parser().parse_args()
    layout = Layout.find(PROJECT / ".sandbox-bench-false-alarms")
    console = Console(highlight=False, soft_wrap=True)
    try:
        lifecycle.down(layout, purge=True)
        lifecycle.up(layout, usual_ports=False, progress=ProgressReporter(console))
        return _measure(Access(layout), options, console)
    except SandboxError as problem:
        print(f"bench-false-alarms: {problem}", file=sys.stderr)
        return 1
    finally:
        lifecycle.down(layout, purge=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.false_alarms", description=__doc__)
    parser.add_argument("--tenants", type=int, default=200, help="how many in all (default: %(default)s)")
    parser.add_argument("--at-once", type=int, default=20, help="how many are under way (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=60, help="then none is begun any more (default: %(default)s)")
    cores = os.cpu_count() or 1
    parser.add_argument("--busy", type=int, default=2 * cores, help="processes that compute (default: %(default)s)")
    return parser


def _measure(access: Access, options: argparse.Namespace, console: Console) -> int:
    with access.client("operator") as client:
        provisioning.await_dag(client, provisioning.SAGA)
        began = time.monotonic()
        with _busy(options.busy):
            observations = _provision(access, client, options)
    minutes = (time.monotonic() - began) / 60
    recorded, longest = _one(access, _RECORDED)["stalls"], _one(access, _LONGEST)
    half, most, all_ = _one(access, _WHOLE)["s"]
    say = console.print
    say(
        f"{observations.tenants} tenants, {options.at_once} at once, beside {options.busy} busy processes: "
        f"{minutes:.1f} min"
    )
    say(f"request to Active: {half:.1f} s in the middle, {most:.1f} s for 95 of 100, {all_:.1f} s at most")
    say(f"the longest activity: {longest['activity']}, {longest['seconds']:.1f} s")
    say(
        f"stalls recorded: {recorded}; reported in {observations.looks} checks: {len(observations.alarms)} "
        f"({observations.unanswered} unanswered)"
    )
    cores = psutil.cpu_count()
    say(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {cores} cores at a load of {observations.load:.0f} at most, "
        "LocalExecutor"
    )
    return 1 if recorded or observations.alarms else 0


@contextmanager
def _busy(processes: int) -> Iterator[None]:
    started = [subprocess.Popen([sys.executable, "-c", _COMPUTE]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def _provision(access: Access, client: httpx.Client, options: argparse.Namespace) -> Observations:
    """Provision as many as there is time for, at most `at_once` at a time."""
    observations, began, look_at = Observations(), time.monotonic(), 0.0
    while True:
        active, took = _one(access, _STANDING)["active"], time.monotonic() - began
        target = options.tenants if took < options.minutes * 60 else observations.tenants
        if active == target:
            return observations
        if took > options.minutes * 60 + _TIMEOUT_SECONDS:
            raise SandboxError(f"Only {active} of {observations.tenants} tenants are Active.")
        while observations.tenants < min(target, active + options.at_once):
            _begin(client, _REGIONS[observations.tenants % len(_REGIONS)])
            observations.tenants += 1
        if time.monotonic() >= look_at:
            look_at = time.monotonic() + _CHECK_SECONDS
            _check_for_stalls(client, observations)
        time.sleep(0.5)


def _begin(client: httpx.Client, region: str) -> None:
    conf = {**unwinding.request(), "region": region}
    client.post(
        f"/api/v2/dags/{provisioning.SAGA}/dagRuns", json={"logical_date": None, "conf": conf}
    ).raise_for_status()


def _check_for_stalls(client: httpx.Client, observations: Observations) -> None:
    """Record the tenants that the API calls stalled now. No answer, on a busy machine, is no alarm."""
    observations.load = max(observations.load, os.getloadavg()[0])
    try:
        answer = client.get(_UNDER_WAY)
        answer.raise_for_status()
    except httpx.HTTPError:
        observations.unanswered += 1
        return
    observations.looks += 1
    observations.alarms |= {each["slug"] for each in answer.json()["tenants"] if each["stall"]}


def _one(access: Access, statement: str) -> dict[str, Any]:
    """One row of the ledger."""
    with psycopg.connect(access.ledger_dsn, row_factory=dict_row, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return row or {}


if __name__ == "__main__":
    sys.exit(main())
