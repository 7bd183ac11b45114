"""Waiting for workloads: begun and let go, looked at by the trigger, finished or failed by a worker."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from tenancy.engine.provisioning.runner import Waiting
from tenancy.engine.provisioning.waiting import is_over
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import PermanentError, Refused
from tenancy.saga.names import RunId
from tenancy.saga.states import StepStatus
from tests.conformance.server import eventually
from tests.integration.engine_harness import MARK_ACTIVE, NO_OBJECTS, WAIT, EngineHarness, lease

TOO_LATE = timedelta(minutes=20, seconds=1)


@pytest.fixture
def waiting(harness: EngineHarness) -> Iterator[EngineHarness]:
    """A tenant whose image cannot be pulled, and whose task waits."""
    clear = harness.kubernetes.fault(
        kind="image-pull-backoff", selector=f"tenancy.internal/platform={harness.tenancy.platform.name}"
    )
    harness.run_until(WAIT)
    assert isinstance(harness.run_once(WAIT), Waiting)
    harness.clear_fault = clear
    yield harness
    clear_quietly(harness)


def clear_quietly(harness: EngineHarness) -> None:
    if harness.clear_fault:
        harness.clear_fault()
        harness.clear_fault = None


def _look(harness: EngineHarness) -> bool:
    return is_over(harness.tenancy, lease(WAIT), actor="ada")


def _messages(harness: EngineHarness) -> list[str]:
    return [fact.message for fact in harness.facts(f.ActivityProgressed)]


def test_it_says_why_not_once_and_again_when_that_changes(waiting: EngineHarness):
    eventually(lambda: not _look(waiting) and "ImagePullBackOff" in _messages(waiting)[-1])
    messages = _messages(waiting)
    assert not _look(waiting)
    assert _messages(waiting) == messages
    assert len(set(messages)) == len(messages)
    assert waiting.saga.step(WAIT).message == messages[-1]


def test_a_deployment_that_is_scaled_to_zero_meanwhile_never_becomes_ready_and_says_who_did_it(waiting: EngineHarness):
    namespace = next(r.name for r in waiting.saga.resources if r.kind == "namespace")
    scale = f"/apis/apps/v1/namespaces/{namespace}/deployments/{namespace}/scale?fieldManager=keda"
    kind = "application/merge-patch+json"
    waiting.kubernetes.ask("PATCH", scale, {"spec": {"replicas": 0}}, kind)
    clear_quietly(waiting)
    replicas = waiting.tenancy.platform.plans[waiting.saga.parameters.plan].replicas
    eventually(lambda: not _look(waiting) and f"scaled to 0 of {replicas} by keda" in _messages(waiting)[-1])
    waiting.kubernetes.ask("PATCH", scale, {"spec": {"replicas": replicas}}, kind)
    eventually(lambda: _look(waiting))


def test_it_continues_in_a_worker_once_all_are_ready(waiting: EngineHarness):
    clear_quietly(waiting)
    eventually(lambda: _look(waiting))
    assert waiting.saga.step(WAIT).status is StepStatus.RUNNING
    assert waiting.run(WAIT).step(WAIT).status is StepStatus.DONE
    assert waiting.run(MARK_ACTIVE).phase == "Active"


def test_what_is_nearly_ready_is_checked_again_and_not_deferred(waiting: EngineHarness):
    def mended() -> None:
        clear_quietly(waiting)
        time.sleep(0.1)

    waiting.while_asleep = mended
    done = waiting.run_once(WAIT)
    assert not isinstance(done, Waiting)
    assert done.step(WAIT).status is StepStatus.DONE


def test_it_checks_again_for_two_seconds_and_releases_the_tenants_lock(waiting: EngineHarness):
    def take_the_lock() -> None:
        with (
            waiting.tenancy.ledger.open("somebody else") as ledger,
            ledger.hold_lock(waiting.tenant_id, patience_seconds=0, may_evict=lambda holder: False) as evicted,
        ):
            taken.append(evicted)

    taken: list[object] = []
    waiting.slept, waiting.while_asleep = [], take_the_lock
    assert isinstance(waiting.run_once(WAIT), Waiting)
    assert sum(waiting.slept) == pytest.approx(2.0, abs=0.15)
    assert taken == [()] * len(waiting.slept)


def test_cancel_ends_the_second_check_at_once(waiting: EngineHarness):
    waiting.slept, waiting.while_asleep = [], lambda: waiting.record_commands(c.Cancel()) and None
    with pytest.raises(Refused):
        waiting.run_once(WAIT)
    assert len(waiting.slept) == 1


def test_when_its_time_is_up_it_fails_with_what_it_saw_last(waiting: EngineHarness):
    with pytest.raises(PermanentError, match=r"Not ready within 20 minutes: 0 of 1 pods ready"):
        waiting.run_once(WAIT, late=TOO_LATE)
    (failed,) = waiting.facts(f.ActivityFailed)
    assert failed.message.startswith("Not ready within 20 minutes")
    after = waiting.give_up(WAIT)
    assert after is not None
    assert (after.phase, waiting.external_objects) == ("Failed settled", NO_OBJECTS)


def test_its_time_counts_from_its_first_start_however_often_airflow_tries_again(waiting: EngineHarness):
    first = waiting.run_once(WAIT)
    again = waiting.run_once(WAIT, number=2, late=timedelta(minutes=19))
    assert isinstance(first, Waiting)
    assert isinstance(again, Waiting)
    assert again.deadline == first.deadline
    with pytest.raises(PermanentError, match="Not ready within 20 minutes"):
        waiting.run_once(WAIT, number=3, late=TOO_LATE)


def test_a_new_attempt_has_its_time_to_itself(waiting: EngineHarness):
    before = waiting.run_once(WAIT)
    waiting.record_commands(c.Cancel())
    waiting.unwind()
    waiting.record_commands(c.Reset())
    retry = RunId("run-2")
    waiting.run_until(WAIT, run_id=retry)
    after = waiting.run_once(WAIT, run_id=retry)
    assert isinstance(before, Waiting)
    assert isinstance(after, Waiting)
    assert after.deadline > before.deadline


def test_its_time_is_what_the_platform_file_says(waiting: EngineHarness):
    waiting.tenancy = replace(
        waiting.tenancy, platform=replace(waiting.tenancy.platform, give_up={WAIT: timedelta(minutes=2.5)})
    )
    assert isinstance(waiting.run_once(WAIT, late=timedelta(minutes=2)), Waiting)
    with pytest.raises(PermanentError, match=r"Not ready within 2\.5 minutes: 0 of 1 pods ready"):
        waiting.run_once(WAIT, late=timedelta(minutes=3))


def test_cancel_ends_the_wait_and_the_worker_is_refused(waiting: EngineHarness):
    waiting.record_commands(c.Cancel())
    assert _look(waiting)
    with pytest.raises(Refused):
        waiting.run(WAIT)
    assert waiting.unwind().phase == "Failed settled"
    assert waiting.external_objects == NO_OBJECTS


def test_a_cluster_that_does_not_answer_is_reported_and_waited_for(waiting: EngineHarness):
    clear = waiting.kubernetes.fault(
        kind="http-500", selector=f"tenancy.internal/platform={waiting.tenancy.platform.name}"
    )
    try:
        assert not _look(waiting)
        assert "cannot check: The cluster of region eu-central answered 500" in _messages(waiting)[-1]
    finally:
        clear()


def test_a_wait_of_a_run_that_nobody_knows_is_over(harness: EngineHarness):
    assert _look(harness)
