"""Compensations that fail: tried again, told apart from the first error, and never in the way of the others."""

import pytest

from tenancy.engine.reconciliation.reconcile import reconcile
from tenancy.engine.workflow import COMPENSATION_DAG
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.errors import Stopped, TransientError
from tests.integration.engine_harness import NO_OBJECTS, RUN, SCHEMA, WAIT, EngineHarness
from tests.real_systems import superuser

FOREVER = 10_000


def test_a_compensation_that_keeps_failing_is_stuck_names_what_is_left_and_keeps_the_first_error(
    harness: EngineHarness,
):
    harness.fail_at(SCHEMA)
    harness.handles.failing = FOREVER
    harness.record_commands(c.GiveUp(RUN, "out of tries"))
    after = harness.unwind()
    assert after.phase == "Failed stuck"
    assert after.failures[-1].message == "it went boom"
    (exhausted,) = harness.facts(f.UnwindingExhausted)
    (left,) = after.live_resources
    assert exhausted.left == (f"connection {left.name}",)
    assert exhausted.why == f"Not undone yet: connection {left.name}; the error log says why."
    failures = harness.facts(f.CompensationFailed)
    assert len(failures) == harness.tenancy.timings.compensation_tries
    assert {(fact.resource, fact.error) for fact in failures} == {("connection", "TransientError")}
    assert after.unwinding.failure is not None
    assert after.unwinding.failure.message.startswith(f"The connection {left.name} could not be undone: ")


def test_what_a_callback_cannot_undo_is_left_to_a_compensation_run(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    harness.handles.failing = FOREVER
    harness.give_up(SCHEMA)
    saga = harness.saga
    assert saga.phase == "Failed unwinding"
    (run,) = harness.runs.of(COMPENSATION_DAG)
    assert run == f"compensate__{saga.tenant_id}__1__{saga.generation}"
    assert harness.runs.confs[COMPENSATION_DAG, run]["purpose"] == "failure"
    with pytest.raises(TransientError, match=r"Not undone yet: connection \S+; the error log says why"):
        harness.unwind(last_try=False)
    harness.handles.failing = 0
    assert harness.unwind(last_try=False).phase == "Failed settled"


def test_what_does_not_depend_on_a_stuck_compensation_is_undone_all_the_same(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    harness.handles.failing = FOREVER
    harness.give_up(SCHEMA)
    assert harness.external_objects["role"] == harness.external_objects["database"] == []
    assert len(harness.external_objects["connection"]) == 1


def test_tries_of_a_compensation_are_spaced_longer_and_longer(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    harness.handles.failing = FOREVER
    harness.give_up(SCHEMA)
    assert harness.slept == [0.5, 1.0, harness.tenancy.timings.grace]


def test_a_cluster_that_asks_to_wait_is_left_alone_and_the_next_try_waits_so_long(harness: EngineHarness):
    harness.fail_at(WAIT)
    clear = harness.kubernetes.fault(kind="http-429", retry_after=7)
    harness.record_commands(c.GiveUp(RUN, "out of tries"))
    try:
        with pytest.raises(TransientError, match="Not undone yet: namespace") as unfinished:
            harness.unwind(last_try=False)
    finally:
        clear()
    assert unfinished.value.retry_after == 7
    assert len(harness.facts(f.CompensationFailed)) == 2  # the release, the namespace: each was asked about once
    assert [resource.kind for resource in harness.saga.live_resources] == ["namespace", "release"]
    assert harness.unwind().phase == "Failed settled"


def test_a_compensation_that_fails_once_is_tried_again_and_settles(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    harness.handles.failing = 2
    after = harness.give_up(SCHEMA)
    assert after is not None
    assert after.phase == "Failed settled"
    assert len(harness.facts(f.CompensationFailed)) == 2


def test_a_stuck_tenant_settles_after_the_cause_is_repaired_and_cancel_is_asked_again(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    harness.handles.failing = FOREVER
    harness.record_commands(c.GiveUp(RUN, "out of tries"))
    harness.unwind()
    harness.handles.failing = 0
    harness.record_commands(c.Cancel())
    assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_what_keeps_coming_back_is_never_called_settled(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    (late,) = harness.handles.stored.values()
    harness.while_asleep = lambda: harness.handles.create_handle(late) and None
    harness.record_commands(c.GiveUp(RUN, "out of tries"))
    with pytest.raises(TransientError, match="Released resources exist again"):
        harness.unwind(last_try=False)
    assert harness.saga.phase == "Failed unwinding"
    harness.while_asleep = lambda: None
    assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_unwinding_that_takes_too_long_reports_it_and_continues_when_called_again(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    harness.handles.failing = 1

    def time_flies() -> None:
        harness.now += harness.tenancy.timings.unwind_limit

    harness.while_asleep = time_flies
    harness.record_commands(c.GiveUp(RUN, "out of tries"))
    with pytest.raises(TransientError, match=r"did not end within 40 s; it continues where it stopped"):
        harness.unwind(last_try=False)
    assert harness.saga.phase == "Failed unwinding"
    harness.while_asleep = lambda: None
    assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_an_error_with_a_nul_in_it_stops_no_compensation(harness: EngineHarness):
    harness.fail_at(SCHEMA)

    def answer_rubbish() -> None:
        raise TransientError("the proxy said \0\0")

    harness.handles.meanwhile = answer_rubbish
    after = harness.give_up(SCHEMA)
    assert after is not None
    assert after.phase == "Failed settled"
    assert harness.facts(f.CompensationFailed)[0].message == "the proxy said"


def test_an_unwinding_whose_worker_goes_down_is_not_stuck_not_even_on_its_last_try(harness: EngineHarness):
    harness.fail_at(SCHEMA)

    def sigterm() -> None:
        raise Stopped

    harness.record_commands(c.GiveUp(RUN, "out of tries"))
    harness.handles.meanwhile = sigterm
    with pytest.raises(Stopped):
        harness.unwind()
    assert (harness.saga.phase, harness.facts(f.CompensationFailed)) == ("Failed unwinding", [])
    assert harness.unwind().phase == "Failed settled"


# -- a database that somebody is in


def test_a_held_database_is_reported_and_loses_nothing(harness: EngineHarness):
    """Its schema and its role wait for it: that the role cannot be dropped would only be a consequence."""
    harness.run_all()
    name = harness.external_objects["database"][0]
    harness.record_commands(c.Decommission())
    with superuser(harness.server, name) as monitor:
        after = harness.unwind()
        assert monitor.execute("select slug from tenant.accounts").fetchone() == {"slug": "acme"}
    assert after.unwinding.failure is not None
    assert after.unwinding.failure.cause is Cause.STORAGE_DATABASE_HELD
    assert (
        f"The database {name} cannot be dropped: it is held by the superuser's session"
        in after.unwinding.failure.message
    )
    assert [resource.kind for resource in after.live_resources] == ["role", "database", "schema"]
    assert {fact.resource for fact in harness.facts(f.CompensationFailed)} == {"database"}
    harness.record_commands(c.Decommission())
    assert harness.unwind().phase == "Decommissioned"
    assert harness.external_objects == NO_OBJECTS


def test_the_stall_of_a_held_database_names_its_holder(harness: EngineHarness):
    harness.run_until(WAIT)
    name = harness.external_objects["database"][0]
    harness.record_commands(c.Cancel())
    with superuser(harness.server, name) as monitor:
        pid = monitor.info.backend_pid
        assert harness.unwind().phase == "Failed stuck"
        reconcile(harness.tenancy)
    stall = harness.saga.stall
    assert stall is not None
    assert stall.cause is Cause.STORAGE_DATABASE_HELD
    assert f"of postgres (backend {pid})" in stall.message
    assert f"select pg_terminate_backend({pid});" in stall.message
