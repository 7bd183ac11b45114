"""Classes of stall on a real ledger: kept by the reconciler's passes, each once while it lasts."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sandbox.postgres import PostgresServer
from tenancy.adapters.dsn import Dsn
from tenancy.engine.notifications.incident_groups import record_incident_groups
from tenancy.ledger import incident_groups as kept
from tenancy.ledger import migrations, tenant_summaries
from tenancy.ledger.incident_groups import StoredIncidentGroup
from tenancy.ledger.ledger import Ledger, LedgerSession
from tenancy.saga import commands as c
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.names import RunId
from tenancy.saga.stalls import NOT_EXAMINED, TENANT_LIMITS, Limits
from tests import real_systems
from tests.integration.stalled_tenants import (
    begin,
    begun,
    done,
    failed,
    numbered,
    record,
    recovered,
    run_of,
    settled,
    stalled,
)
from tests.unit.sagas import ACME, HANDLE, MARK_ACTIVE, ORDER, STORAGE, VALIDATE, give_up, start

RETRIED = RunId("run-2")


class SettableClock:
    """Moves when it is told to."""

    now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def ledger(ledger_dsn: Dsn, clock: SettableClock) -> Iterator[LedgerSession]:
    with Ledger(ledger_dsn, clock=clock).open("tenancy test") as session:
        yield session


def the_class(ledger: LedgerSession) -> StoredIncidentGroup:
    (one,) = kept.load_open_groups(ledger, limit=10)
    return one


def slugs(ledger: LedgerSession, class_id: int, *, left: bool = False) -> list[str]:
    return [each.slug for each in kept.load_members(ledger, class_id, limit=100, left=left)]


def test_sixty_tenants_that_fail_for_one_cause_are_one_class_opened_once(ledger: LedgerSession):
    for number in range(60):
        failed(ledger, number)
    assert record_incident_groups(ledger) == {"classes opened": 1, "classes closed": 0}
    assert record_incident_groups(ledger) == {"classes opened": 0, "classes closed": 0}
    one = the_class(ledger)
    assert (one.members, one.signature.cause, one.signature.activity) == (60, Cause.STORAGE_BLOCKED, STORAGE)
    assert (one.signature.chart_version, one.signature.schema_version) == ("1.0.0", "1")
    assert len(slugs(ledger, one.id)) == 60
    assert "backend" in one.message
    assert "#" not in one.message


def test_two_are_no_class_and_other_regions_are_another_matter(ledger: LedgerSession):
    for number, region in enumerate(["eu", "eu", "us"]):
        failed(ledger, number, region)
    assert record_incident_groups(ledger)["classes opened"] == 0
    failed(ledger, 3)
    assert record_incident_groups(ledger)["classes opened"] == 1
    assert slugs(ledger, the_class(ledger).id) == ["t-00", "t-01", "t-03"]


def test_open_stalls_make_a_class_as_soon_as_their_cause_is_known(ledger: LedgerSession):
    for number in range(3):
        stalled(ledger, number, NOT_EXAMINED if number == 2 else f"session {number} blocks it")
    assert record_incident_groups(ledger)["classes opened"] == 0
    record(ledger, 2, c.ExplainStall(Evidence(Cause.UNKNOWN, "something else")))
    assert record_incident_groups(ledger)["classes opened"] == 0
    stalled(ledger, 3)
    assert record_incident_groups(ledger)["classes opened"] == 0
    stalled(ledger, 4, "session 9 blocks it")
    assert record_incident_groups(ledger)["classes opened"] == 1


def test_a_class_closes_by_itself_when_all_are_active_and_opens_as_a_new_one(ledger: LedgerSession):
    for number in range(3):
        failed(ledger, number)
    record_incident_groups(ledger)
    first = the_class(ledger)
    recovered(ledger, 0)
    recovered(ledger, 1)
    assert record_incident_groups(ledger)["classes closed"] == 0
    assert (the_class(ledger).members, slugs(ledger, first.id)) == (1, ["t-02"])
    recovered(ledger, 2)
    assert record_incident_groups(ledger)["classes closed"] == 1
    assert kept.load_open_groups(ledger, limit=10) == []
    over = kept.load_group(ledger, first.id)
    assert over is not None
    assert (over.members, over.closed_at) == (0, ledger.now)
    assert slugs(ledger, first.id, left=True) == ["t-00", "t-01", "t-02"]
    for number in range(10, 13):
        failed(ledger, number)
    record_incident_groups(ledger)
    assert the_class(ledger).id > first.id


def test_a_class_closes_when_nothing_of_it_was_seen_for_a_day(ledger: LedgerSession, clock: SettableClock):
    for number in range(3):
        failed(ledger, number)
    record_incident_groups(ledger)
    clock.now += timedelta(hours=25)
    assert record_incident_groups(ledger)["classes closed"] == 1


def test_a_cancelled_tenant_stays_in_the_group_until_it_is_retried(ledger: LedgerSession, clock: SettableClock):
    for number in range(3):
        stalled(ledger, number)
    record_incident_groups(ledger)
    clock.now += timedelta(minutes=1)
    record(ledger, 0, c.Cancel(), c.ClearStall())
    settled(ledger, 0)
    record_incident_groups(ledger)
    assert "t-00" in slugs(ledger, the_class(ledger).id)
    record(ledger, 0, c.Reset(), start(RETRIED, replace(ACME, slug="t-00"), numbered(0)))
    record_incident_groups(ledger)
    assert slugs(ledger, the_class(ledger).id) == ["t-01", "t-02"]


def test_a_tenant_that_fails_for_another_cause_leaves_and_returns(ledger: LedgerSession, clock: SettableClock):
    for number in range(3):
        failed(ledger, number)
    record_incident_groups(ledger)
    clock.now += timedelta(minutes=1)
    settled(ledger, 0)
    record(ledger, 0, c.Reset(), start(RETRIED, replace(ACME, slug="t-00"), numbered(0)))
    record(ledger, 0, *done(RETRIED, VALIDATE, STORAGE), begin(HANDLE, RETRIED), give_up(HANDLE, 1, RETRIED))
    record_incident_groups(ledger)
    assert slugs(ledger, the_class(ledger).id) == ["t-01", "t-02"]


def test_every_tenants_line_names_its_class(ledger: LedgerSession, clock: SettableClock):
    for number in range(3):
        failed(ledger, number)
    begun(ledger, 3)
    record_incident_groups(ledger)
    one = the_class(ledger)
    late = tenant_summaries.attention_cutoffs(Limits({}, TENANT_LIMITS), clock.now)
    lines = tenant_summaries.load_tenants(ledger, tenant_summaries.TenantFilter(), cutoffs=late, limit=10)
    assert {line.parameters.slug: line.incident_group for line in lines} == {
        "t-00": one.id,
        "t-01": one.id,
        "t-02": one.id,
        "t-03": None,
    }
    assert {
        line.standing.group_tenants for line in tenant_summaries.load_needing_attention(ledger, cutoffs=late, limit=10)
    } == {3}
    assert kept.load_grouped_tenants(ledger) == {numbered(0), numbered(1), numbered(2)}


def test_an_active_tenant_whose_flip_is_retried_belongs_to_nothing(ledger: LedgerSession):
    for number in range(3):
        run, parameters = run_of(number), replace(ACME, slug=f"t-{number:02}")
        record(ledger, number, start(run, parameters, numbered(number)), *done(run, *ORDER[:-1]))
        record(ledger, number, begin(MARK_ACTIVE, run), give_up(MARK_ACTIVE, 1, run))
    assert record_incident_groups(ledger)["classes opened"] == 1
    for number in range(3):
        run, parameters = RunId(f"again-{number}"), replace(ACME, slug=f"t-{number:02}")
        record(ledger, number, c.Reset(), start(run, parameters, numbered(number)), *done(run, *ORDER))
    assert record_incident_groups(ledger)["classes closed"] == 1


def test_rows_from_before_are_what_their_facts_fold_to(
    ledger: LedgerSession, fast_server: PostgresServer, ledger_dsn: Dsn
):
    failed(ledger, 0)
    begun(ledger, 1)
    script = (Path(migrations.__file__).parent / "sql" / "0006_classes.sql").read_text()
    columns = "failure_activity, failure_said, failed_at, schema_version"
    with real_systems.superuser(fast_server, ledger_dsn.dbname) as connection:
        connection.execute("set search_path to ledger")
        before = connection.execute(f"select {columns} from tenant order by slug").fetchall()
        connection.execute("update tenant set failure_activity = null, failure_said = '', failed_at = null")
        connection.execute("update tenant set schema_version = ''")
        for update in re.findall(r"^update tenant.*?;", script, re.MULTILINE | re.DOTALL):
            connection.execute(update)
        assert connection.execute(f"select {columns} from tenant order by slug").fetchall() == before
