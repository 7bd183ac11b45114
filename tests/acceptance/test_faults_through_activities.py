"""Every fault and the activity that meets it: the right error and cause, in time, and nothing left afterwards.

The engine runs in this process, on the real servers of the sandbox.
"""

import re
import time
from typing import Any

import pytest

from sandbox.access import Access
from sandbox.faults import catalogue
from sandbox.faults.client import FaultClient
from tenancy.activities.deploy_workloads import DeployWorkloads
from tenancy.adapters import dsn, sessions
from tenancy.engine.provisioning.runner import Waiting
from tenancy.saga import commands as c
from tenancy.saga.errors import PermanentError, PlatformError
from tenancy.saga.names import ActivityName
from tests.acceptance import gates, runs
from tests.acceptance.active_fault import active_fault
from tests.acceptance.attempts import OnlyAttempt
from tests.acceptance.fault_cases import CASES, DEPLOY, ELSEWHERE, HARMLESS, HOLDING, WAIT, FaultCase, UnwindingResult
from tests.acceptance.tenant_objects import assert_complete, find_objects
from tests.helm_children import helm_children

A_TRY_SECONDS = 60
"""Four tries and the pauses between them fit into an activity's stall limit of 5 minutes."""
SLOWEST_FAULT_SECONDS = 3.0
"""No fault of the cluster lets the emulator carry a request out later than this. Only `hang` waits for the bound of a
real server, half a minute."""


def test_every_kind_of_fault_has_a_row():
    assert {case.kind for case in CASES} | set(HARMLESS) | set(HOLDING) | set(ELSEWHERE) == set(catalogue.BY_NAME)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_activity_fails_with_the_cause_in_time_and_unwinding_leaves_nothing(
    sandbox: Access, fault_client: FaultClient, monkeypatch: pytest.MonkeyPatch, case: FaultCase
):
    monkeypatch.setattr(sessions, "LOCK_TIMEOUT_SECONDS", 2)
    monkeypatch.setattr(dsn, "CONNECT_TIMEOUT_SECONDS", 2)
    if case.kind != "hang":
        monkeypatch.setattr(DeployWorkloads, "late_seconds", SLOWEST_FAULT_SECONDS)
    attempt = OnlyAttempt(sandbox)
    if case.within_helm:
        _make_the_namespace(attempt, fault_client)
    with active_fault(fault_client, case.kind, **_narrowed(case.kind, case.options, attempt.slug)):
        attempt.run_before(case.activity)
        if case.kind == "schema-locked":
            runs.wait_until(lambda: gates.schema_locked(sandbox, attempt.slug), "the fault to reach the new database")
        _assert_it_fails(attempt, case)
        if case.unwinding is not UnwindingResult.AFTERWARDS:
            given_up = _given_up(attempt, case)
            assert given_up == ("Failed settled" if case.unwinding is UnwindingResult.MEANWHILE else "Failed unwinding")
            _assert_nothing_is_under_way(sandbox)

    if case.unwinding is UnwindingResult.LATER:
        assert attempt.unwind_tenant(c.Cancel()).phase == "Failed settled"
    elif case.unwinding is UnwindingResult.AFTERWARDS:
        assert attempt.give_up(case.activity).phase == "Failed settled"
    assert find_objects(sandbox, attempt.slug).is_empty
    assert helm_children() == []


def _given_up(attempt: OnlyAttempt, case: FaultCase) -> str:
    """The phase after the failure callback; what the platform is at fault for waits until a person cancels it."""
    given_up = attempt.give_up(case.activity)
    if case.error is not PlatformError:
        return given_up.phase
    assert (given_up.phase, given_up.hold.cause) == ("Provisioning", case.code)
    return attempt.unwind_tenant(c.Cancel()).phase


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_fault_that_only_delays_or_concerns_no_activity_is_outlived(
    sandbox: Access, fault_client: FaultClient, kind: str
):
    attempt = OnlyAttempt(sandbox)
    with active_fault(fault_client, kind, **_narrowed(kind, HARMLESS[kind], attempt.slug)):
        assert attempt.run_all().phase == "Active"
    assert_complete(sandbox, attempt.slug)
    assert attempt.unwind_tenant(c.Decommission()).phase == "Decommissioned"
    assert find_objects(sandbox, attempt.slug).is_empty
    assert helm_children() == []


@pytest.mark.parametrize("kind", HOLDING)
def test_what_the_platform_has_to_repair_is_named_and_the_attempt_continues_when_it_is_repaired(
    sandbox: Access, fault_client: FaultClient, kind: str
):
    attempt = OnlyAttempt(sandbox)
    attempt.run_before(DEPLOY)
    options, words, cause = HOLDING[kind]
    with (
        active_fault(fault_client, kind, **_narrowed(kind, options, attempt.slug)),
        pytest.raises(PlatformError, match=words) as raised,
    ):
        attempt.run(DEPLOY)
    assert raised.value.cause is cause
    assert attempt.run_all().phase == "Active"
    assert attempt.unwind_tenant(c.Decommission()).phase == "Decommissioned"
    assert find_objects(sandbox, attempt.slug).is_empty


def _assert_nothing_is_under_way(sandbox: Access) -> None:
    """Such as a request that its client gave up, and that would be carried out when the fault is over."""
    pending = "insert into connection%"
    runs.wait_until(lambda: not gates.waiting(sandbox.metadata_dsn, pending), "the last request to end", seconds=20)


def _narrowed(kind: str, options: dict[str, Any], slug: str) -> dict[str, Any]:
    """To this tenant, where the fault can be."""
    return {"tenant": slug, **options} if "tenant" in catalogue.BY_NAME[kind].selects else options


def _make_the_namespace(attempt: OnlyAttempt, fault_client: FaultClient) -> None:
    """By a try that finds no room for what Helm would store."""
    attempt.run_before(DEPLOY)
    no_room = active_fault(fault_client, "quota-exceeded", tenant=attempt.slug, resource="secrets")
    with no_room, pytest.raises(PermanentError, match="exceeded quota"):
        attempt.run(DEPLOY)
    found = find_objects(attempt.access, attempt.slug)
    assert (len(found.namespaces), len(found.releases)) == (1, 0)


def _assert_it_fails(attempt: OnlyAttempt, case: FaultCase) -> None:
    if case.activity == WAIT:
        runs.wait_until(lambda: re.search(case.reason, _look(attempt)), f"{case.kind} to be seen")
    began = time.monotonic()
    with pytest.raises(case.error, match=case.cause) as raised:
        attempt.run(case.activity, may_wait=False, short_timeouts=case.short_timeouts)
    assert time.monotonic() - began < A_TRY_SECONDS
    assert type(raised.value) is case.error
    assert helm_children() == []
    failure = attempt.last_failure()
    assert (failure["activity"], failure["error"], failure["message"]) == (
        case.activity,
        case.error.__name__,
        str(raised.value),
    )
    if not (
        case.kind == "handles-locked" and "does not respond" in failure["message"]
    ):  # the engine may be the slower one
        assert failure["cause"] == case.code, failure["message"]


def _look(attempt: OnlyAttempt) -> str:
    """Why it is not ready yet, as the timeline says it."""
    waiting = attempt.run(WAIT)
    assert isinstance(waiting, Waiting)
    return waiting.saga.step(ActivityName(WAIT)).message
