"""Unwinding: all that a tenant has is undone in reverse and seen gone before it is called settled."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tenancy.activities.registry import activity_of
from tenancy.engine.release_order import release_order
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.errors import Refused, TransientError
from tenancy.saga.names import ActivityName, RunId
from tenancy.saga.tenant import Intent
from tests.integration.engine_harness import DEPLOY, FLIP, HANDLE, NOTHING, ORDER, SCHEMA, STAMP, Stage, lease


def _released(stage: Stage) -> list[str]:
    return [fact.resource for fact in stage.facts(f.ResourceReleased)]


@pytest.mark.parametrize("activity", ORDER[1:-1])
def test_whatever_was_made_is_undone_in_reverse_and_then_settled(stage: Stage, activity: ActivityName):
    stage.fail_at(activity)
    made = release_order(stage.saga.resources)
    after = stage.give_up(activity)
    assert after is not None
    assert after.phase == "Failed settled"
    assert _released(stage) == [resource.kind for resource in made]
    assert stage.outside == NOTHING
    assert (after.failures[-1].activity, after.failures[-1].message) == (activity, "it went boom")


def test_everything_is_looked_at_once_more_after_the_grace(stage: Stage):
    stage.fail_at(SCHEMA)
    stage.give_up(SCHEMA)
    assert stage.slept == [stage.tenancy.timings.grace]


def test_a_failed_flip_keeps_everything_and_unwinds_nothing(stage: Stage):
    stage.run_until(FLIP)
    before = stage.outside
    stage.handles.failing = 1
    with pytest.raises(TransientError):
        stage.run(FLIP)
    after = stage.give_up(FLIP)
    assert after is not None
    assert after.phase == "Failed retained"
    assert stage.outside == before
    with pytest.raises(Refused, match="Nothing is to be unwound: the tenant is Failed retained"):
        stage.unwind()
    assert stage.outside == before


def test_a_retained_tenant_is_retried_with_what_it_has(stage: Stage):
    stage.run_until(FLIP)
    stage.handles.failing = 1
    with pytest.raises(TransientError):
        stage.run(FLIP)
    stage.give_up(FLIP)
    kept, intended = stage.outside, stage.facts(f.ResourceIntended)
    stage.ask(c.Reset())
    assert stage.run_all(5, RunId("run-2")).phase == "Active"
    assert stage.outside == kept
    assert stage.facts(f.ResourceIntended) == intended


def test_what_shows_up_again_during_the_grace_is_undone_before_settling(stage: Stage):
    stage.fail_at(SCHEMA)
    (late,) = stage.handles.stored.values()

    def appear_once() -> None:
        stage.handles.create_handle(late)
        stage.while_asleep = lambda: None

    stage.while_asleep = appear_once
    after = stage.give_up(SCHEMA)
    assert after is not None
    assert after.phase == "Failed settled"
    assert [(fact.resource, fact.name) for fact in stage.facts(f.ResourceFoundAgain)] == [("connection", late.name)]
    assert stage.outside == NOTHING
    assert isinstance(stage.envelopes[-1].fact, f.Settled)


def test_what_is_not_seen_although_its_compensation_failed_is_undone_once_more(stage: Stage):
    """It failed for a process that is still about to make it, and does so right after everything was looked at."""
    stage.fail_at(SCHEMA)
    (late,) = stage.handles.stored.values()
    stage.handles.stored.clear()
    stage.handles.failing = stage.tenancy.timings.compensation_tries

    def appear() -> None:
        stage.handles.stored[late.name] = late

    def appear_after_the_look() -> None:
        stage.handles.meanwhile = appear

    def at_the_look() -> None:
        if stage.slept[-1] == stage.tenancy.timings.grace and not stage.handles.failing:
            stage.handles.meanwhile, stage.while_asleep = appear_after_the_look, lambda: None

    stage.while_asleep = at_the_look
    after = stage.give_up(SCHEMA)
    if stage.handles.meanwhile:  # nobody has asked since
        appear()
    assert after is not None
    assert after.phase == "Failed settled"
    assert stage.outside == NOTHING


def test_unwinding_stops_when_the_tenant_was_retried_meanwhile(stage: Stage):
    stage.fail_at(SCHEMA)
    kept = {kind: names for kind, names in stage.outside.items() if kind in {"role", "database"}}

    def force_a_retry() -> None:
        stage.ask(c.Reset(force=True, platform_role=True, reason="I know better"))
        with pytest.raises(TransientError, match="Another process works on this tenant: tenancy unwind"):
            stage.run(ORDER[0], 9, RunId("run-2"))  # its attempt has begun, its effects wait for the lock

    stage.handles.meanwhile = force_a_retry
    assert stage.give_up(SCHEMA) is None
    assert stage.saga.phase == "Provisioning"
    assert {kind: stage.outside[kind] for kind in kept} == kept


@pytest.mark.parametrize("phase", ["Provisioning", "Active", "Failed settled", "Failed ready"])
def test_what_is_not_to_be_unwound_is_refused_and_stays(stage: Stage, phase: str):
    stage.run_all() if phase == "Active" else stage.fail_at(SCHEMA)
    if phase.startswith("Failed"):
        stage.give_up(SCHEMA)
    if phase == "Failed ready":
        stage.ask(c.Reset())
    before, facts = stage.outside, len(stage.envelopes)
    with pytest.raises(Refused, match=f"Nothing is to be unwound: the tenant is {phase}"):
        stage.unwind()
    assert (stage.outside, len(stage.envelopes)) == (before, facts)


def test_giving_up_twice_unwinds_once(stage: Stage):
    stage.fail_at(SCHEMA)
    stage.give_up(SCHEMA)
    facts = len(stage.envelopes)
    assert stage.give_up(SCHEMA) is None
    assert len(stage.envelopes) == facts


def test_a_refused_request_has_nothing_to_give_up(stage: Stage):
    with pytest.raises(Refused):
        stage.run(ORDER[0], plan="golden")
    assert stage.give_up(ORDER[0]) is None


def test_two_unwinders_do_not_meet(stage: Stage):
    stage.fail_at(SCHEMA)
    met: list[str] = []

    def a_second_one() -> None:
        with pytest.raises(TransientError, match="Another process works on this tenant: tenancy unwind") as error:
            stage.unwind()
        met.append(str(error.value))

    stage.handles.meanwhile = a_second_one
    after = stage.give_up(SCHEMA)
    assert after is not None
    assert (len(met), after.phase) == (1, "Failed settled")


def test_an_active_tenant_is_decommissioned_by_the_same_function(stage: Stage):
    stage.run_all()
    stage.ask(c.Decommission())
    assert stage.unwind().phase == "Decommissioned"
    assert stage.outside == NOTHING
    assert _released(stage) == ["release", "namespace", "connection", "database", "schema", "role"]


def test_everything_is_undone_even_when_the_key_of_its_credentials_is_lost(stage: Stage):
    stage.fail_at(FLIP)
    stage.ask(c.Cancel())
    stage.tenancy = replace(stage.tenancy, keyring=replace(stage.tenancy.keyring, current="k2", keys={"k2": b"new"}))
    assert stage.unwind().phase == "Failed settled"
    assert stage.outside == NOTHING


def test_a_run_that_was_marked_on_says_which_refusal_ended_it(stage: Stage):
    stage.run_until(SCHEMA)
    with pytest.raises(Refused):
        stage.run(FLIP)
    after = stage.run_failed()
    assert after is not None
    assert after.failures[-1].message.startswith(
        "the process died: mark_active must wait: apply_tenant_schema is not done"
    )


def late(stage: Stage, activity: ActivityName) -> bool:
    """Was the longest wait that for a late effect of this activity? Some of it passes while the test runs."""
    seconds = activity_of(activity).late_seconds
    return seconds - 5 < max(stage.slept) <= seconds


def test_a_request_of_a_process_that_was_ended_in_its_middle_is_waited_for_before_settling(stage: Stage):
    stage.run_until(HANDLE)
    stage.ask(c.BeginActivity(lease(HANDLE)), c.Cancel())
    stage.unwind()
    assert late(stage, HANDLE)


def test_so_is_one_of_a_process_that_could_still_say_that_it_was_stopped(stage: Stage):
    stage.run_until(HANDLE)
    stopped = c.FailActivity(lease(HANDLE), "Stopped", "stopped", stopped=True)
    stage.ask(c.BeginActivity(lease(HANDLE)), stopped, c.Cancel())
    stage.unwind()
    assert late(stage, HANDLE)


def begun_deploy(stage: Stage, *ends: c.Command) -> None:
    stage.run_until(DEPLOY)
    stage.ask(c.BeginActivity(lease(DEPLOY), 1, _intents(stage)), *ends)


def _intents(stage: Stage) -> tuple[Intent, ...]:
    saga = stage.saga
    work = stage.tenancy.activity_context(None, saga, application="test", stamp=STAMP, wanted=c.Escalate())  # type: ignore[arg-type]
    return activity_of(DEPLOY).intents(work)


def make_namespace(stage: Stage) -> None:
    """What a request of a dead process does once its admission webhook has answered."""
    (intent,) = (fact for fact in stage.facts(f.ResourceIntended) if fact.resource == "namespace")
    metadata = {"name": intent.name, "annotations": {"tenancy.internal/proof": intent.proof}}
    stage.kubernetes.ask("POST", "/api/v1/namespaces", {"metadata": metadata})


UNANSWERED = c.FailActivity(lease(DEPLOY), "TransientError", "nothing within 10 s", Cause.CLUSTER_UNREACHABLE)


@pytest.mark.parametrize("ends", [(), (UNANSWERED,)], ids=["killed", "unanswered"])
def test_a_namespace_that_a_slow_webhook_lets_through_late_is_undone_before_settling(
    stage: Stage, ends: tuple[c.Command, ...]
):
    begun_deploy(stage, *ends, c.Cancel())
    stage.while_asleep = _once(lambda: make_namespace(stage))
    assert stage.unwind().phase == "Failed settled"
    assert late(stage, DEPLOY)
    assert activity_of(DEPLOY).late_seconds > 30, "as long as one admission webhook may take"
    assert stage.facts(f.ResourceFoundAgain)
    assert stage.outside == NOTHING


def _once(act: Callable[[], None]) -> Callable[[], None]:
    left = [act]
    return lambda: left.pop()() if left else None


def test_a_cancel_in_the_middle_of_a_deployment_that_has_its_namespace_settles_at_once(stage: Stage):
    begun_deploy(stage)
    make_namespace(stage)
    stage.ask(c.Cancel())
    assert stage.unwind().phase == "Failed settled"
    assert max(stage.slept) == stage.tenancy.timings.grace
    assert stage.outside == NOTHING


def test_what_got_an_answer_is_not_waited_for(stage: Stage):
    forbidden = c.FailActivity(lease(DEPLOY), "PermanentError", "it is forbidden", Cause.CLUSTER_RIGHTS, permanent=True)
    begun_deploy(stage, forbidden, c.Cancel())
    stage.unwind()
    assert max(stage.slept) == stage.tenancy.timings.grace


def test_a_try_again_waits_only_for_what_is_left(stage: Stage):
    """The first try of the compensation run ended early; the time since the cancel counts."""
    begun_deploy(stage, c.Cancel())
    later = Ledger(stage.ledger, clock=lambda: utc_now() + timedelta(seconds=25))
    stage.tenancy = replace(stage.tenancy, ledger=later)
    stage.unwind()
    assert max(stage.slept) < activity_of(DEPLOY).late_seconds - 20
