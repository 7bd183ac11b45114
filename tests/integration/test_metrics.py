"""The metrics of a real ledger: who may read them, and that the numbers are those of what happened."""

from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST

from sandbox.ports import any_free
from tenancy.adapters.dsn import Dsn
from tenancy.console.callers import Caller, NotAuthenticated, Right
from tenancy.console.metrics import create_metrics
from tenancy.console.services import Services
from tenancy.engine.notifications.incident_groups import record_incident_groups
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger import alerts, heartbeats, measures
from tenancy.ledger.alerts import Alert
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, LedgerSession
from tenancy.saga import commands as c
from tests import real_systems
from tests.asgi_requests import ask
from tests.integration.conftest import EPOCH
from tests.integration.lifecycles import FIRST_FAILS, SECOND_RUN, STUCK_THEN_SETTLED
from tests.integration.stalled_tenants import failed
from tests.openmetrics_reader import Document, read
from tests.products import SAMPLE_ONLY
from tests.unit.sagas import ORDER, TENANT, done, start

VIEWER = Caller("viewer", frozenset({Right.READ}))


def scraped(ledger: Ledger, caller: Caller | None = VIEWER) -> httpx.Response:
    async def authenticate(_request: Any) -> Caller:
        if caller is None:
            raise NotAuthenticated("No token")
        return caller

    nowhere = cast("Any", None)
    tenancy = Tenancy(
        ledger, real_systems.platform(), real_systems.KEYRING, nowhere, runs=nowhere, products=SAMPLE_ONLY
    )
    return ask(create_metrics(Services(lambda: tenancy, lambda: EPOCH), authenticate), "GET", "/metrics")


def metrics(ledger: Ledger) -> Document:
    answer = scraped(ledger)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, CONTENT_TYPE_LATEST)
    return read(answer.text)


def test_an_empty_ledger_is_measured(ledger: Ledger):
    document = metrics(ledger)
    assert document.value("tenancy_tenants", state="Active", substate="", product="") == 0
    assert document.value("tenancy_reconciler_lag_seconds", reconciler="reconciliation") == float("inf")


def test_what_happened_is_counted(ledger: Ledger, session: LedgerSession):
    session.record(TENANT, *FIRST_FAILS, stamp=Stamp("ada"))
    heartbeats.record_heartbeat(session, "reconciliation", took_seconds=0.1, summary="nothing to do")
    alerts.raise_alert(session, Alert("a", "A.", ""))
    alerts.address_alerts(session, [])
    alerts.raise_alert(session, Alert("b", "B.", ""))
    alerts.address_alerts(session, ["slack"])
    document = metrics(ledger)
    assert document.value("tenancy_tenants", state="Failed", substate="unwinding", product="") == 1
    assert document.value("tenancy_oldest_in_state_seconds", state="Failed", substate="unwinding", product="") > 0
    assert document.value("tenancy_failed_tries_last_day", activity="apply_tenant_schema") == 2
    assert document.value("tenancy_failed_attempts_last_day", activity="apply_tenant_schema") == 1
    assert 0 < document.value("tenancy_reconciler_lag_seconds", reconciler="reconciliation") < 60
    assert document.value("tenancy_alerts_waiting", channel="slack") == 1
    assert document.value("tenancy_alerts_untold_last_day") == 1


def test_an_open_class_is_counted(ledger: Ledger, session: LedgerSession):
    for number in range(3):
        failed(session, number)
    record_incident_groups(session)
    where = {"activity": "allocate_storage", "cause": "storage.blocked", "region": "eu", "product": ""}
    assert metrics(ledger).value("tenancy_class_issues", **where) == 1


def test_the_time_to_active_is_that_of_the_attempt_that_made_it(ledger: Ledger, session: LedgerSession):
    """Each transaction of this ledger is a second after the one before. An earlier attempt does not count."""
    session.record(TENANT, *FIRST_FAILS, *STUCK_THEN_SETTLED, c.Reset(), c.RecordHistoryCleared(), stamp=Stamp("ada"))
    session.record(TENANT, start(SECOND_RUN), stamp=Stamp("ada"))
    begun = session.envelopes(TENANT)[-1].at
    for activity in ORDER:
        session.record(TENANT, *done(activity, run_id=SECOND_RUN), stamp=Stamp("ada"))
    took = (session.envelopes(TENANT)[-1].at - begun).total_seconds()
    document = metrics(ledger)
    assert took >= len(ORDER)
    assert document.value("tenancy_time_to_active_seconds", quantile="0.5") == took
    assert document.value("tenancy_activity_seconds", activity="mark_active", quantile="0.95") == 0


def test_what_happened_the_day_before_yesterday_is_no_longer_reported(ledger: Ledger, session: LedgerSession):
    session.record(TENANT, *FIRST_FAILS, *STUCK_THEN_SETTLED, c.Reset(), c.RecordHistoryCleared(), stamp=Stamp("ada"))
    session.record(TENANT, start(SECOND_RUN), *done(*ORDER, run_id=SECOND_RUN), stamp=Stamp("ada"))
    later = Ledger(ledger._dsn, clock=lambda: EPOCH + timedelta(days=2))
    with later.open("test") as reader:
        loaded = measures.load_measures(reader)
    assert (loaded.times_to_active, loaded.activities, loaded.failures) == ({}, {}, {})
    assert {state: measure.tenants for state, measure in loaded.states.items()} == {("Active", "", ""): 1}


@pytest.mark.parametrize(("caller", "status"), [(None, 401), (Caller("guest", frozenset()), 403), (VIEWER, 200)])
def test_only_who_may_read_tenants_may_read_them(ledger: Ledger, caller: Caller | None, status: int):
    assert scraped(ledger, caller).status_code == status


def test_without_a_ledger_there_are_no_numbers():
    nowhere = Dsn("127.0.0.1", any_free(), "ledger", "ledger", "x", "the ledger")
    assert scraped(Ledger(nowhere)).status_code == 503
