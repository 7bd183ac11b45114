"""Of each stall somebody is told once: by what the reconciler recorded, in the words of the advice."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tenancy.activities.advice import advise
from tenancy.activities.plan import limits
from tenancy.engine.actions import actions
from tenancy.engine.notifications.raise_alerts import describe_stall, raise_stall_alerts
from tenancy.engine.reconciliation.reconcile import reconcile
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.ledger.tenant_statuses import status_of
from tenancy.ledger.unannounced_stalls import load_unannounced_stalls
from tenancy.saga.names import RunId
from tenancy.saga.stalls import StallKind
from tests import real_systems
from tests.integration.engine_harness import SCHEMA, EngineHarness
from tests.real_systems import superuser

STALLED = timedelta(minutes=6)


@pytest.fixture
def stuck(harness: EngineHarness) -> EngineHarness:
    """A tenant that hangs at its schema, and a scheduler that sends no heartbeat."""
    run_id: RunId = actions.create(harness.tenancy, real_systems.request(), by=Stamp("grace")).saga.run_id
    harness.run_until(SCHEMA, run_id=run_id)
    harness.runs.silent = ("scheduler",)
    return harness


def at(harness: EngineHarness, elapsed: timedelta) -> Ledger:
    return Ledger(harness.ledger, clock=lambda: utc_now() + elapsed)


def passes(harness: EngineHarness, elapsed: timedelta) -> None:
    """One pass of the reconciler so much later."""
    reconcile(replace(harness.tenancy, ledger=at(harness, elapsed)))


def raised_alerts(harness: EngineHarness) -> list[dict[str, Any]]:
    with superuser(harness.server, harness.ledger.dbname) as connection:
        return connection.execute("select * from ledger.alert order by raised_at").fetchall()


def test_a_stall_is_reported_with_the_advice_that_pages_show(stuck: EngineHarness):
    passes(stuck, STALLED)
    (alert,) = raised_alerts(stuck)
    assert alert["subject"].startswith("Tenant acme (eu-central) is stalled at Apply per-tenant schema, since 20")
    assert "scheduler sends no heartbeat" in alert["body"]
    assert (alert["tenant_id"], alert["path"]) == (stuck.tenant_id, f"/tenancy/tenants/{stuck.tenant_id}")
    assert (alert["details"]["cause"], alert["details"]["plan"]) == ("engine.scheduler_silent", "starter")

    with stuck.tenancy.ledger.open("test") as ledger:
        saga, bounds = stuck.saga, limits(stuck.tenancy.platform)
        assert saga.stall is not None
        (row,) = ledger.rows("tenant_statuses")
    advice = advise(status_of(row), saga.stall, utc_now() + STALLED, bounds)
    assert alert["body"].endswith(f"\nNext: {advice.sentence}")


def test_it_is_reported_once_as_long_as_it_lasts(stuck: EngineHarness):
    for minutes in (6, 7, 30):
        passes(stuck, timedelta(minutes=minutes))
    assert len(raised_alerts(stuck)) == 1


def test_the_next_pass_reports_what_a_dead_pass_did_not(stuck: EngineHarness):
    passes(stuck, STALLED)
    with superuser(stuck.server, stuck.ledger.dbname) as connection:
        connection.execute("delete from ledger.alert")
    passes(stuck, STALLED)
    assert len(raised_alerts(stuck)) == 1


def test_a_tenant_that_is_reported_with_its_incident_group_is_not_reported_alone(stuck: EngineHarness):
    passes(stuck, STALLED)
    with superuser(stuck.server, stuck.ledger.dbname) as connection:
        connection.execute("delete from ledger.alert")
    with at(stuck, STALLED).open("test") as ledger:
        assert raise_stall_alerts(stuck.tenancy, ledger, but={stuck.tenant_id}) == 0
        assert raise_stall_alerts(stuck.tenancy, ledger) == 1


def test_what_began_days_ago_is_no_news(stuck: EngineHarness):
    passes(stuck, timedelta(days=2))
    assert stuck.saga.stall is not None
    assert raised_alerts(stuck) == []
    with at(stuck, timedelta(days=2)).open("test") as ledger:
        assert len(load_unannounced_stalls(ledger, since=utc_now() - timedelta(days=9), but=(), limit=5)) == 1


@pytest.mark.parametrize("kind", StallKind)
def test_every_kind_of_stall_has_its_sentence(kind: StallKind):
    sentence = describe_stall(kind, None, "Cancelling")
    assert sentence not in {"", "is stalled"}
    assert "{" not in sentence
