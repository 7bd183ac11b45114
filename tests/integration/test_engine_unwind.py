"""Unwinding: all that a tenant has is undone in reverse and seen gone before it is called settled."""

from dataclasses import replace

import pytest

from tenancy.activities.plan import activity_of
from tenancy.engine.undoing_order import undoing_order
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import Refused, Stopped, TransientError
from tenancy.saga.names import ActivityName, RunId
from tests.integration.stage import FLIP, HANDLE, NOTHING, ORDER, SCHEMA, Stage, lease


def _released(stage: Stage) -> list[str]:
    return [fact.resource for fact in stage.facts(f.ResourceReleased)]


@pytest.mark.parametrize("activity", ORDER[1:-1])
def test_whatever_was_made_is_undone_in_reverse_and_then_settled(stage: Stage, activity: ActivityName):
    stage.fail_at(activity)
    made = undoing_order(stage.saga.resources)
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
    stage.handles.failing = 1
    kept = {kind: names for kind, names in stage.outside.items() if kind in {"role", "database"}}

    def force_a_retry() -> None:
        stage.while_asleep = lambda: None
        stage.ask(c.Reset(force=True, platform_role=True, reason="I know better"))
        with pytest.raises(TransientError, match="Another process works on this tenant: tenancy unwind"):
            stage.run(ORDER[0], 9, RunId("run-2"))  # its attempt has begun, its effects wait for the lock

    stage.while_asleep = force_a_retry
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


def test_a_request_of_a_process_that_was_ended_in_its_middle_is_waited_for_before_settling(stage: Stage):
    stage.run_until(HANDLE)
    stage.ask(c.BeginActivity(lease(HANDLE)), c.Cancel())
    stage.unwind()
    assert max(stage.slept) == activity_of(HANDLE).late_seconds > 8


def test_so_is_one_of_a_process_that_could_still_say_that_it_was_stopped(stage: Stage):
    stage.run_until(HANDLE)
    stage.ask(c.BeginActivity(lease(HANDLE)), c.FailActivity(lease(HANDLE), Stopped.__name__, "stopped"), c.Cancel())
    stage.unwind()
    assert max(stage.slept) == activity_of(HANDLE).late_seconds
