"""Upgrades while runs are in flight: an attempt goes by the plan that it recorded, in both directions."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tenancy.engine.provisioning import admission
from tenancy.saga import facts as f
from tenancy.saga.attempt_values import PlanEntry
from tenancy.saga.causes import Cause
from tenancy.saga.commands import Cancel
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import ActivityName
from tenancy.saga.product import PROVISIONING_DAG
from tenancy.saga.states import ActivityKind
from tests.integration.engine_harness import DEPLOY, HANDLE, MARK_ACTIVE, ORDER, RUN, SCHEMA, WAIT, EngineHarness
from tests.products import PLAN_ENTRIES

WARM_UP = ActivityName("warm_up_caches")
AFTER_EACH = [pytest.param(n, id=f"after-{name}") for n, name in enumerate(ORDER)]


@contextmanager
def _plan(monkeypatch: pytest.MonkeyPatch, plan: tuple[PlanEntry, ...]) -> Iterator[None]:
    """Attempts that start now record this plan: that of an older or newer version of Tenancy."""
    with monkeypatch.context() as patched:
        patched.setattr(admission, "plan_entries", lambda product: plan)
        yield


def _entries_with(place: int) -> tuple[PlanEntry, ...]:
    entries = list(PLAN_ENTRIES)
    entries.insert(place, PlanEntry(WARM_UP, ActivityKind.COMPENSATABLE))
    return tuple(entries)


@pytest.mark.parametrize("missing", [HANDLE, SCHEMA, DEPLOY, WAIT])
def test_a_task_that_the_attempts_plan_does_not_have_passes_with_a_sentence(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, missing: ActivityName
):
    """The DAG of this version has one activity more than the version that began the attempt."""
    older = tuple(entry for entry in PLAN_ENTRIES if entry.activity != missing)
    with _plan(monkeypatch, older):
        harness.run(ORDER[0])
    harness.run_until(missing, 2)
    with caplog.at_level(logging.INFO):
        assert harness.run(missing).phase == "Provisioning"
    assert f"{missing} is not in the plan that attempt 1 of acme began with" in caplog.text
    assert not [fact for fact in harness.facts(f.ActivityStarted) if fact.activity == missing]
    assert not harness.facts(f.ActivityRefused)


@pytest.mark.parametrize("place", AFTER_EACH)
def test_an_activity_that_this_version_does_not_have_holds_the_attempt(
    harness: EngineHarness, monkeypatch: pytest.MonkeyPatch, place: int
):
    """The plan that the attempt recorded has one activity more than the product, anywhere behind the first."""
    with _plan(monkeypatch, _entries_with(place + 1)):
        harness.run(ORDER[0])
    for each in ORDER[1 : place + 1]:
        harness.run(each)
    made = harness.external_objects
    for each in ORDER[place + 1 :]:
        with pytest.raises(PlatformError, match=f"began with an activity {WARM_UP}"):
            harness.run(each)
        harness.give_up(each)
    harness.run_failed()
    harness.runs.start(PROVISIONING_DAG, RUN, {})
    harness.runs.end(PROVISIONING_DAG, RUN, "failed")
    harness.reconcile_later()
    harness.reconcile_later()
    assert (harness.saga.phase, harness.external_objects) == ("Provisioning", made)
    assert harness.saga.hold.cause is (Cause.PLATFORM_VERSION)
    assert not harness.facts(f.ProvisioningFailed)


def test_a_person_may_cancel_it(harness: EngineHarness, monkeypatch: pytest.MonkeyPatch):
    with _plan(monkeypatch, _entries_with(3)):
        harness.run_until(SCHEMA)
    harness.record_commands(Cancel())
    assert harness.unwind().phase == "Failed settled"


def test_every_activity_of_this_version_is_run_for_a_new_attempt(harness: EngineHarness):
    assert harness.run_all().phase == "Active"
    assert [fact.activity for fact in harness.facts(f.ActivityCompleted)] == list(ORDER)
    assert ORDER[-1] == MARK_ACTIVE
