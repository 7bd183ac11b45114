"""What a fact's log line says, and at which level."""

import logging
from datetime import UTC, datetime

import pytest

from tenancy.ledger.envelope import Envelope, Stamp, seal
from tenancy.ledger.fact_log import fields_of, level_of, log_facts
from tenancy.saga import facts as f
from tenancy.saga.evolve import evolve
from tests.unit.sagas import DEPLOY, RUN, STORAGE, TENANT, tenant_in

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
FAILED = f.ActivityFailed(DEPLOY, "TransientError", "no answer")


def sealed(fact: f.Fact) -> Envelope:
    return seal(TENANT, fact, seq=7, at=NOW, attempt=1, stamp=Stamp("ada"), prev="")


@pytest.mark.parametrize(
    ("fact", "level"),
    [
        (f.ActivityCompleted(DEPLOY), logging.INFO),
        (f.ActionRefused("reset", "It runs."), logging.INFO),
        (f.ActivityRefused(DEPLOY, RUN, "It is not its turn."), logging.INFO),
        (f.RequestRefused("acme", RUN, "The plan is unknown."), logging.INFO),
        (f.RunHeld("the DAG is paused"), logging.WARNING),
        (f.RunHeld(""), logging.INFO),
        (FAILED, logging.WARNING),
        (f.CompensationFailed("role", "acme", "TransientError", "no answer"), logging.WARNING),
        (f.ProvisioningFailed(DEPLOY, "no answer", retained=False), logging.WARNING),
        (f.ProvisioningFailed(DEPLOY, "no answer", retained=True), logging.ERROR),
        (f.UnwindingExhausted(("role acme",)), logging.ERROR),
        (f.ProvisioningStalled("activity", DEPLOY, 300, "unknown"), logging.ERROR),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_the_level_says_whether_somebody_has_to_look(fact: f.Fact, level: int):
    assert level_of(fact) == level


def test_the_text_states_every_field_because_airflow_drops_the_others(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        log_facts(tenant_in("Provisioning"), [sealed(FAILED)])
    (message,) = caplog.messages
    assert message == (
        f"tenant.provisioning.step.failed slug=acme tenant_id={TENANT} attempt=1 seq=7 activity=deploy_workloads "
        "actor=ada: no answer"
    )


def test_nobody_outside_can_write_a_line_of_their_own(caplog: pytest.LogCaptureFixture):
    forged = f.RequestRefused('x" y', RUN, "no\n2026-11-30 all is well\x1b[2J")
    with caplog.at_level(logging.INFO):
        log_facts(None, [sealed(forged)])
    (message,) = caplog.messages
    assert message.isprintable()
    assert 'slug="x\\" y"' in message


def test_the_text_of_a_note_is_not_logged(caplog: pytest.LogCaptureFixture):
    """People type anything there; the audit log has it."""
    with caplog.at_level(logging.INFO):
        log_facts(tenant_in("Active"), [sealed(f.NoteAdded("their password is hunter2"))])
    (record,) = caplog.records
    assert "hunter2" not in str(record.__dict__)


def test_a_fact_about_a_resource_names_the_activity_that_makes_it():
    saga = evolve(tenant_in("Provisioning"), f.ResourceIntended("role", "acme_1", "proof", STORAGE))
    assert fields_of(saga, sealed(f.ResourceReleasing("role", "acme_1")))["activity"] == STORAGE


@pytest.mark.parametrize(
    ("fact", "action"),
    [
        (f.CancelRequested(1), "cancel"),
        (f.RunReset(), "reset"),
        (f.RetryRequested(RUN), "retry"),
        (f.DecommissionRequested(1), "decommission"),
        (f.ActionRefused("reset", "It runs."), "reset"),
        (f.RawActionNoted("clear", RUN), "clear"),
        (f.NoteAdded("the customer calls again"), "note"),
        (FAILED, ""),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_the_requested_action_is_recorded(fact: f.Fact, action: str):
    assert fields_of(tenant_in("Provisioning"), sealed(fact))["action"] == action


def test_no_field_has_the_name_of_an_attribute_that_every_record_has():
    """Python's logging raises KeyError for those."""
    reserved = logging.makeLogRecord({}).__dict__.keys() | {"message", "asctime"}
    assert not fields_of(None, sealed(FAILED)).keys() & reserved
