"""A temporary PostgreSQL with a ledger of many tenants, for benchmarks.

The first tenant's facts are recorded by the ledger. The others are copies, so their hash chains are broken.
"""

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

import psycopg

from sandbox import ports, postgres
from sandbox.postgres import PostgresServer
from tenancy.activities.registry import BUILT_IN
from tenancy.adapters.dsn import Dsn
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger
from tenancy.ledger.migrations import upgrade
from tenancy.saga import commands as c
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId, TenantId
from tenancy.saga.tenant import Intent, Lease, Parameters

_FIRST = TenantId(UUID(int=1))
_ENTRIES = tuple(activity.entry for activity in BUILT_IN)
_MADE = {kind: activity.name for activity in BUILT_IN for kind in activity.resources}
MIXED: Final = """
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
"""Most are Active; one of 400 failed, one of 2,000 is under way."""
_UNDER_WAY: Final = "case when n > 0 then"
LIVE: Final = (
    MIXED.replace("case when n % 400 = 0 then 'Failed' when n % 2000 = 1 then", _UNDER_WAY)
    .replace("one.created_at - ago", "now()")
    .partition("insert into ledger.fact")[0]
)
"""All are being provisioned and have just begun their last activity. A pass reads their rows only: no facts."""


@contextmanager
def ledger_of(tenants: int, fill: str = MIXED) -> Iterator[Ledger]:
    """The ledger. It prints its size while it is filled."""
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
            yield _made(server, tenants, fill)
        finally:
            postgres.stop(daemon)


def _made(server: PostgresServer, tenants: int, fill: str) -> Ledger:
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
    _fill(server, tenants, fill)
    return ledger


def _fill(server: PostgresServer, tenants: int, fill: str) -> None:
    began = time.monotonic()
    with psycopg.connect(server.superuser_dsn("ledger"), autocommit=True) as superuser:
        superuser.execute("set session_replication_role = replica")
        for statement in fill.split(";\n"):
            if statement.strip():
                superuser.execute(statement.replace("%(tenants)s", str(tenants)))
        superuser.execute("vacuum analyze ledger.fact")
        superuser.execute("vacuum analyze ledger.tenant")
        facts, size = superuser.execute(
            "select count(*), pg_size_pretty(pg_database_size('ledger')) from ledger.fact"
        ).fetchone() or (0, "")
    print(f"{tenants:,} tenants, {facts:,} facts, {size}, filled in {time.monotonic() - began:.0f} s")


def _record_one(ledger: Ledger) -> None:
    """Record a first attempt that fails at its third activity and is unwound, and a second one that succeeds."""
    asked = Parameters("first", "First", "starter", "eu-central", "ada@first.example")
    first, second = RunId("first-1"), RunId("first-2")
    waiting = BUILT_IN[2].name
    made = [(kind, f"first_{kind}") for kind in _MADE][:3]
    undone = [verb(1, *each) for each in reversed(made) for verb in (c.ReleaseResource, c.ConfirmReleased)]
    lives: list[list[c.Command]] = [
        [c.StartAttempt(_FIRST, first, asked, _ENTRIES, "1"), *_done(first, 2), _begin(first, waiting)],
        [c.FailActivity(_lease(first, waiting), "Boom", "it went boom"), c.GiveUp(first, "out of tries", waiting)],
        [*undone, c.Settle(1), c.Reset(), c.RecordHistoryCleared()],
        [c.StartAttempt(_FIRST, second, asked, _ENTRIES, "1"), *_done(second, 7)],
    ]
    with ledger.open("bench") as session:
        for life in lives:
            session.record(_FIRST, *life, stamp=Stamp("ada", "a bench"))


def _done(run: RunId, number: int) -> list[c.Command]:
    return [
        verb
        for each in BUILT_IN[:number]
        for verb in (_begin(run, each.name), c.CompleteActivity(_lease(run, each.name)))
    ]


def _begin(run: RunId, activity: ActivityName) -> c.Command:
    intents = tuple(Intent(kind, f"first_{kind}", "proof") for kind, maker in _MADE.items() if maker == activity)
    return c.BeginActivity(_lease(run, activity), 1, intents)


def _lease(run: RunId, activity: ActivityName) -> Lease:
    return Lease(run, activity, TaskInstanceId("1"))
