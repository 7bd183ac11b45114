"""Unwinding: all that a tenant has is undone in reverse and seen gone before it is called settled."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tenancy.activities.deploy_workloads import DeployWorkloads
from tenancy.activities.registry import activity_of
from tenancy.engine.recovery.release_order import release_order
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.errors import Refused, TransientError
from tenancy.saga.names import ActivityName, RunId
from tenancy.saga.tenant import Intent
from tests.integration.engine_harness import (
    DEPLOY,
    HANDLE,
    MARK_ACTIVE,
    NO_OBJECTS,
    ORDER,
    SCHEMA,
    STAMP,
    EngineHarness,
    lease,
)


def _released(harness: EngineHarness) -> list[str]:
    return [fact.resource for fact in harness.facts(f.ResourceReleased)]


@pytest.mark.parametrize("activity", ORDER[1:-1])
def test_whatever_was_made_is_undone_in_reverse_and_then_settled(harness: EngineHarness, activity: ActivityName):
    harness.fail_at(activity)
    made = release_order(harness.saga.resources)
    after = harness.give_up(activity)
    assert after is not None
    assert after.phase == "Failed settled"
    assert _released(harness) == [resource.kind for resource in made]
    assert harness.external_objects == NO_OBJECTS
    assert (after.failures[-1].activity, after.failures[-1].message) == (activity, "it went boom")


def test_everything_is_checked_once_more_after_the_grace(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    harness.give_up(SCHEMA)
    assert harness.slept == [harness.tenancy.timings.grace]


def test_a_failed_flip_keeps_everything_and_unwinds_nothing(harness: EngineHarness):
    harness.run_until(MARK_ACTIVE)
    before = harness.external_objects
    harness.handles.failing = 1
    with pytest.raises(TransientError):
        harness.run(MARK_ACTIVE)
    after = harness.give_up(MARK_ACTIVE)
    assert after is not None
    assert after.phase == "Failed retained"
    assert harness.external_objects == before
    with pytest.raises(Refused, match="Nothing is to be unwound: the tenant is Failed retained"):
        harness.unwind()
    assert harness.external_objects == before


def test_a_retained_tenant_is_retried_with_what_it_has(harness: EngineHarness):
    harness.run_until(MARK_ACTIVE)
    harness.handles.failing = 1
    with pytest.raises(TransientError):
        harness.run(MARK_ACTIVE)
    harness.give_up(MARK_ACTIVE)
    kept, intended = harness.external_objects, harness.facts(f.ResourceIntended)
    harness.record_commands(c.Reset())
    assert harness.run_all(5, RunId("run-2")).phase == "Active"
    assert harness.external_objects == kept
    assert harness.facts(f.ResourceIntended) == intended


def test_what_shows_up_again_during_the_grace_is_undone_before_settling(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    (late,) = harness.handles.stored.values()

    def appear_once() -> None:
        harness.handles.create_handle(late)
        harness.while_asleep = lambda: None

    harness.while_asleep = appear_once
    after = harness.give_up(SCHEMA)
    assert after is not None
    assert after.phase == "Failed settled"
    assert [(fact.resource, fact.name) for fact in harness.facts(f.ResourceFoundAgain)] == [("connection", late.name)]
    assert harness.external_objects == NO_OBJECTS
    assert isinstance(harness.envelopes[-1].fact, f.Settled)


def test_what_is_not_seen_although_its_compensation_failed_is_undone_once_more(harness: EngineHarness):
    """It failed for a process that is still about to make it, and does so right after everything was looked at."""
    harness.fail_at(SCHEMA)
    (late,) = harness.handles.stored.values()
    harness.handles.stored.clear()
    harness.handles.failing = harness.tenancy.timings.compensation_tries

    def appear() -> None:
        harness.handles.stored[late.name] = late

    def appear_after_the_look() -> None:
        harness.handles.meanwhile = appear

    def at_the_look() -> None:
        if harness.slept[-1] == harness.tenancy.timings.grace and not harness.handles.failing:
            harness.handles.meanwhile, harness.while_asleep = appear_after_the_look, lambda: None

    harness.while_asleep = at_the_look
    after = harness.give_up(SCHEMA)
    if harness.handles.meanwhile:  # nobody has asked since
        appear()
    assert after is not None
    assert after.phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_unwinding_stops_when_the_tenant_was_retried_meanwhile(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    kept = {kind: names for kind, names in harness.external_objects.items() if kind in {"role", "database"}}

    def force_a_retry() -> None:
        harness.record_commands(c.Reset(force=True, platform_role=True, reason="I know better"))
        with pytest.raises(TransientError, match="Another process works on this tenant: tenancy unwind"):
            harness.run(ORDER[0], 9, RunId("run-2"))  # its attempt has begun, its effects wait for the lock

    harness.handles.meanwhile = force_a_retry
    assert harness.give_up(SCHEMA) is None
    assert harness.saga.phase == "Provisioning"
    assert {kind: harness.external_objects[kind] for kind in kept} == kept


@pytest.mark.parametrize("phase", ["Provisioning", "Active", "Failed settled", "Failed ready"])
def test_what_is_not_to_be_unwound_is_refused_and_stays(harness: EngineHarness, phase: str):
    harness.run_all() if phase == "Active" else harness.fail_at(SCHEMA)
    if phase.startswith("Failed"):
        harness.give_up(SCHEMA)
    if phase == "Failed ready":
        harness.record_commands(c.Reset())
    before, facts = harness.external_objects, len(harness.envelopes)
    with pytest.raises(Refused, match=f"Nothing is to be unwound: the tenant is {phase}"):
        harness.unwind()
    assert (harness.external_objects, len(harness.envelopes)) == (before, facts)


def test_giving_up_twice_unwinds_once(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    harness.give_up(SCHEMA)
    facts = len(harness.envelopes)
    assert harness.give_up(SCHEMA) is None
    assert len(harness.envelopes) == facts


def test_a_refused_request_has_nothing_to_give_up(harness: EngineHarness):
    with pytest.raises(Refused):
        harness.run(ORDER[0], plan="golden")
    assert harness.give_up(ORDER[0]) is None


def test_two_unwinders_do_not_meet(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    met: list[str] = []

    def a_second_one() -> None:
        with pytest.raises(TransientError, match="Another process works on this tenant: tenancy unwind") as error:
            harness.unwind()
        met.append(str(error.value))

    harness.handles.meanwhile = a_second_one
    after = harness.give_up(SCHEMA)
    assert after is not None
    assert (len(met), after.phase) == (1, "Failed settled")


def test_an_active_tenant_is_decommissioned_by_the_same_function(harness: EngineHarness):
    harness.run_all()
    harness.record_commands(c.Decommission())
    assert harness.unwind().phase == "Decommissioned"
    assert harness.external_objects == NO_OBJECTS
    assert _released(harness) == ["release", "namespace", "connection", "database", "schema", "role"]


def test_everything_is_undone_even_when_the_key_of_its_credentials_is_lost(harness: EngineHarness):
    harness.fail_at(MARK_ACTIVE)
    harness.record_commands(c.Cancel())
    harness.tenancy = replace(
        harness.tenancy, keyring=replace(harness.tenancy.keyring, current="k2", keys={"k2": b"new"})
    )
    assert harness.unwind().phase == "Failed settled"
    assert harness.external_objects == NO_OBJECTS


def test_a_run_that_was_marked_on_says_which_refusal_ended_it(harness: EngineHarness):
    harness.run_until(SCHEMA)
    with pytest.raises(Refused):
        harness.run(MARK_ACTIVE)
    after = harness.run_failed()
    assert after is not None
    assert after.failures[-1].message.startswith(
        "the process died: mark_active must wait: apply_tenant_schema is not done"
    )


def late(harness: EngineHarness, activity: ActivityName) -> bool:
    """Was the longest wait that for a late effect of this activity? Some of it passes while the test runs."""
    seconds = activity_of(activity).late_seconds
    return seconds - 5 < max(harness.slept) <= seconds


def test_a_request_of_a_process_that_was_ended_in_its_middle_is_waited_for_before_settling(harness: EngineHarness):
    harness.run_until(HANDLE)
    harness.record_commands(c.BeginActivity(lease(HANDLE)), c.Cancel())
    harness.unwind()
    assert late(harness, HANDLE)


def test_so_is_one_of_a_process_that_could_still_say_that_it_was_stopped(harness: EngineHarness):
    harness.run_until(HANDLE)
    stopped = c.FailActivity(lease(HANDLE), "Stopped", "stopped", stopped=True)
    harness.record_commands(c.BeginActivity(lease(HANDLE)), stopped, c.Cancel())
    harness.unwind()
    assert late(harness, HANDLE)


def begun_deploy(harness: EngineHarness, *ends: c.Command) -> None:
    harness.run_until(DEPLOY)
    harness.record_commands(c.BeginActivity(lease(DEPLOY), 1, _intents(harness)), *ends)


def _intents(harness: EngineHarness) -> tuple[Intent, ...]:
    saga = harness.saga
    work = harness.tenancy.activity_context(None, saga, application="test", stamp=STAMP, fence_command=c.Escalate())  # type: ignore[arg-type]
    return activity_of(DEPLOY).intents(work)


def make_namespace(harness: EngineHarness) -> None:
    """What a request of a dead process does once its admission webhook has answered."""
    (intent,) = (fact for fact in harness.facts(f.ResourceIntended) if fact.resource == "namespace")
    metadata = {"name": intent.name, "annotations": {"tenancy.internal/proof": intent.proof}}
    harness.kubernetes.ask("POST", "/api/v1/namespaces", {"metadata": metadata})


UNANSWERED = c.FailActivity(lease(DEPLOY), "TransientError", "nothing within 10 s", Cause.CLUSTER_UNREACHABLE)


@pytest.mark.parametrize("ends", [(), (UNANSWERED,)], ids=["killed", "unanswered"])
def test_a_namespace_that_a_slow_webhook_lets_through_late_is_undone_before_settling(
    harness: EngineHarness, ends: tuple[c.Command, ...]
):
    begun_deploy(harness, *ends, c.Cancel())
    harness.while_asleep = _once(lambda: make_namespace(harness))
    assert harness.unwind().phase == "Failed settled"
    assert late(harness, DEPLOY)
    assert activity_of(DEPLOY).late_seconds > 30, "as long as one admission webhook may take"
    assert harness.facts(f.ResourceFoundAgain)
    assert harness.external_objects == NO_OBJECTS


def test_an_activity_that_names_no_late_kinds_is_waited_for_until_all_its_resources_exist(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(DeployWorkloads, "late_effect_resources", ())
    begun_deploy(harness, c.Cancel())
    harness.unwind()
    assert late(harness, DEPLOY)


def _once(act: Callable[[], None]) -> Callable[[], None]:
    left = [act]
    return lambda: left.pop()() if left else None


def test_a_cancel_in_the_middle_of_a_deployment_that_has_its_namespace_settles_at_once(harness: EngineHarness):
    begun_deploy(harness)
    make_namespace(harness)
    harness.record_commands(c.Cancel())
    assert harness.unwind().phase == "Failed settled"
    assert max(harness.slept) == harness.tenancy.timings.grace
    assert harness.external_objects == NO_OBJECTS


def test_what_got_an_answer_is_not_waited_for(harness: EngineHarness):
    forbidden = c.FailActivity(lease(DEPLOY), "PermanentError", "it is forbidden", Cause.CLUSTER_RIGHTS, permanent=True)
    begun_deploy(harness, forbidden, c.Cancel())
    harness.unwind()
    assert max(harness.slept) == harness.tenancy.timings.grace


def test_a_try_again_waits_only_for_what_is_left(harness: EngineHarness):
    """The first try of the compensation run ended early; the time since the cancel counts."""
    begun_deploy(harness, c.Cancel())
    later = Ledger(harness.ledger, clock=lambda: utc_now() + timedelta(seconds=25))
    harness.tenancy = replace(harness.tenancy, ledger=later)
    harness.unwind()
    assert max(harness.slept) < activity_of(DEPLOY).late_seconds - 20
