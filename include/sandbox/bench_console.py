"""How long the console's pages take on a large ledger: 100,000 tenants and 5,000,000 facts, unless told otherwise.

Called by `make bench-console`. It has a PostgreSQL of its own, in a folder that goes again, and asks the pages without
Airflow around them: server time, from the request to the whole answer, one after the other. The first tenant's life is
really recorded; the others are copies of it, so their hash chains do not hold and their pages say so.
"""

import argparse
import asyncio
import os
import secrets
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import psycopg

from sandbox import ports, postgres
from sandbox.postgres import PostgresServer
from tenancy.activities.plan import PLAN, plan_entries
from tenancy.adapters.dsn import Dsn
from tenancy.bootstrap import platform
from tenancy.console.callers import Caller, Right
from tenancy.console.metrics_view import families
from tenancy.console.openmetrics import exposition
from tenancy.console.pages.app import create_pages
from tenancy.console.parts import Parts
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.ledger.measures import measured
from tenancy.ledger.migrations import upgrade
from tenancy.saga import commands as c
from tenancy.saga.credentials import Keyring
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId, TenantId
from tenancy.saga.tenant import Intent, Lease, Parameters

_FEW = 1_000
_FIRST = TenantId(UUID(int=1))
_MADE = {kind: activity.name for activity in PLAN for kind in activity.resources}
_FILL = """
create temp table one_fact as select * from ledger.fact;
create temp table one as select * from ledger.tenant;
create temp table many as
select n, md5(n::text)::uuid as id, make_interval(mins => n) as ago,
       case when n % 400 = 0 then 'Failed' when n % 2000 = 1 then 'Provisioning' when n % 20 = 2 then 'Decommissioned'
            else 'Active' end as state
  from generate_series(1, %(tenants)s) as n;
insert into ledger.tenant (id, slug, name, plan, region, admin_email, state, substate, attempt, generation, run_id,
                           activity, activity_since, stall, stall_cause, seq, created_at, state_since, updated_at)
select many.id, 'tenant-' || n, 'Tenant ' || n, one.plan, one.region, one.admin_email, many.state::ledger.tenant_state,
       case when many.state = 'Failed' then 'settled'::ledger.failed_substate end, one.attempt, 1, 'run-' || n,
       case when many.state in ('Failed', 'Provisioning') then 'mark_active' end,
       case when many.state in ('Failed', 'Provisioning') then one.created_at - ago end,
       case when many.state = 'Failed' then 'untouched' end, case when many.state = 'Failed' then 'unknown' end,
       one.seq, one.created_at - ago, one.created_at - ago, one.created_at - ago from many cross join one;
insert into ledger.fact select many.id, f.seq, f.kind, f.attempt, f.lease, f.actor, f.reason, f.at - ago, f.data,
                               f.prev_hash, f.hash from many cross join one_fact as f;
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tenants", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=200)
    asked = parser.parse_args()
    few, many = (_at(tenants, asked.requests) for tenants in (_FEW, asked.tenants))
    for name in _PAGES:
        ratio = _p95(many[name]) / _p95(few[name])
        print(f"  {name:<28} {asked.tenants:,} / {_FEW:,} tenants: {ratio:.2f} of p95   (to reach: 1.5)")
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{utc_now():%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load}   (to reach: p95 50 ms)")


def _at(tenants: int, requests: int) -> "dict[str, list[Asked]]":
    with tempfile.TemporaryDirectory(prefix="tenancy-bench-") as folder:
        server = PostgresServer(
            name="bench",
            directory=Path(folder) / "server",
            port=ports.any_free(),
            log=Path(folder) / "postgres.log",
            superuser_password=secrets.token_urlsafe(12),
        )
        server.create()
        daemon = server.start()
        try:
            return _bench(server, tenants, requests)
        finally:
            postgres.stop(daemon)


def _bench(server: PostgresServer, tenants: int, requests: int) -> "dict[str, list[Asked]]":
    password = secrets.token_urlsafe(12)
    with psycopg.connect(server.superuser_dsn(), autocommit=True) as superuser:
        superuser.execute("alter system set synchronous_commit = off")
        superuser.execute("alter system set max_wal_size = '4GB'")
        superuser.execute("select pg_reload_conf()")
        superuser.execute(f"create role ledger login password '{password}'")
        superuser.execute("create database ledger owner ledger")
    upgrade(server.dsn("ledger", "ledger", password))
    ledger = Ledger(Dsn("127.0.0.1", server.port, "ledger", "ledger", password, "the ledger"))
    _record_one(ledger)
    began = time.monotonic()
    with psycopg.connect(server.superuser_dsn("ledger"), autocommit=True) as superuser:
        superuser.execute("set session_replication_role = replica")
        for statement in _FILL.split(";\n"):
            if statement.strip():
                superuser.execute(statement.replace("%(tenants)s", str(tenants)))
        superuser.execute("vacuum analyze ledger.fact")
        superuser.execute("vacuum analyze ledger.tenant")
        facts, size = superuser.execute(
            "select count(*), pg_size_pretty(pg_database_size('ledger')) from ledger.fact"
        ).fetchone() or (0, "")
    print(f"{tenants:,} tenants, {facts:,} facts, {size}, filled in {time.monotonic() - began:.0f} s")
    print(f"  {'metrics, measured anew':<28} {_told(_measuring(ledger, 20))}")
    return asyncio.run(_ask(_pages(ledger), tenants, requests))


def _record_one(ledger: Ledger) -> None:
    """A first attempt that fails at its third activity and is undone, and a second one that succeeds."""
    asked = Parameters("first", "First", "starter", "eu-central", "ada@first.example")
    first, second = RunId("first-1"), RunId("first-2")
    waiting = PLAN[2].name
    made = [(kind, f"first_{kind}") for kind in _MADE][:3]
    undone = [verb(1, *each) for each in reversed(made) for verb in (c.ReleaseResource, c.ConfirmReleased)]
    lives: list[list[c.Command]] = [
        [c.StartAttempt(_FIRST, first, asked, plan_entries(), "1"), *_done(first, 2), _begin(first, waiting)],
        [c.FailActivity(_lease(first, waiting), "Boom", "it went boom"), c.GiveUp(first, "out of tries", waiting)],
        [*undone, c.Settle(1), c.Reset(), c.NoteHistoryCleared()],
        [c.StartAttempt(_FIRST, second, asked, plan_entries(), "1"), *_done(second, 7)],
    ]
    with ledger.open("bench") as session:
        for life in lives:
            session.record(_FIRST, *life, stamp=Stamp("ada", "a bench"))


def _done(run: RunId, number: int) -> list[c.Command]:
    return [
        verb for each in PLAN[:number] for verb in (_begin(run, each.name), c.CompleteActivity(_lease(run, each.name)))
    ]


def _begin(run: RunId, activity: ActivityName) -> c.Command:
    intents = tuple(Intent(kind, f"first_{kind}", "proof") for kind, maker in _MADE.items() if maker == activity)
    return c.BeginActivity(_lease(run, activity), 1, intents)


def _lease(run: RunId, activity: ActivityName) -> Lease:
    return Lease(run, activity, TaskInstanceId("1"))


def _pages(ledger: Ledger) -> Any:
    class Engine:
        """One that is well and says so at once."""

        def silent_parts(self) -> tuple[str, ...]:
            return ()

        def is_paused(self, _dag: str) -> bool:
            return False

        def queued(self, _dag: str) -> tuple[str, ...]:
            return ()

    async def authenticate(_request: Any) -> Caller:
        return Caller("operator", frozenset(Right))

    keyring, nowhere = Keyring("k", {"k": b"k" * 32}), cast("Any", None)
    tenancy = Tenancy(ledger, platform(), keyring, nowhere, runs=lambda: cast("Any", Engine()))
    return create_pages(Parts(lambda: tenancy, utc_now), authenticate)


@dataclass(frozen=True)
class Asked:
    """One request: how long it took, and how much of that this process was at work; PostgreSQL's is not in it."""

    seconds: float
    cpu_seconds: float


async def _ask(app: Any, tenants: int, requests: int) -> dict[str, list[Asked]]:
    transport, took = httpx.ASGITransport(app=app), dict[str, list[Asked]]()
    async with httpx.AsyncClient(transport=transport, base_url="http://bench", timeout=60, trust_env=False) as client:
        for name, path in _PAGES.items():
            took[name] = []
            for number in range(requests):
                began, cpu = time.perf_counter(), time.process_time()
                answer = await client.get(path.format(n=1 + number * 7919 % tenants))
                took[name].append(Asked(time.perf_counter() - began, time.process_time() - cpu))
                assert answer.status_code == 200, answer.text
            print(f"  {name:<28} {_told(took[name])}")
    return took


def _measuring(ledger: Ledger, times: int) -> list[Asked]:
    """Without the 5 s for which the numbers are kept."""
    took = []
    for _ in range(times):
        began, worked = time.perf_counter(), time.process_time()
        with ledger.open("bench") as session:
            exposition(families(measured(session)))
        took.append(Asked(time.perf_counter() - began, time.process_time() - worked))
    return took


_PAGES = {
    "list": "/",
    "list, polled": "/?part=live",
    "list, needs a person": "/?attention=true",
    "list, by slug": "/?q=tenant-{n}",
    "tenant": "/tenants/tenant-{n}",
    "tenant, polled": "/tenants/tenant-{n}?part=live",
}


def _told(took: list[Asked]) -> str:
    median = statistics.median(each.seconds for each in took) * 1000
    most = max(each.seconds for each in took) * 1000
    cpu = statistics.median(each.cpu_seconds for each in took) * 1000
    return (
        f"median {median:5.1f} ms, p95 {_p95(took) * 1000:5.1f} ms, most {most:5.1f} ms (own processor time {cpu:.1f})"
    )


def _p95(took: list[Asked]) -> float:
    return float(statistics.quantiles((each.seconds for each in took), n=20)[-1])


if __name__ == "__main__":
    main()
