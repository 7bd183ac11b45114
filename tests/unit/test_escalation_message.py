"""The message of an escalation quotes what keeps the tenant now: of this attempt, also before any limit has passed."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from tenancy.engine.recovery.escalation import message_of
from tenancy.ledger.envelope import Envelope, Stamp, seal
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.decide import decide
from tenancy.saga.evolve import fold
from tenancy.saga.stalls import Stall, StallKind
from tenancy.saga.tenant import Saga
from tests.unit.sagas import MARK_ACTIVE, ORDER, SCHEMA, TENANT, WAIT, ask, begin, done, fail, give_up, progress, start

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
STAMP = Stamp("grace", reason="INC-7")
PULL = "0 of 1 pods ready; ImagePullBackOff"
WAITING = (start(), *done(*ORDER[: ORDER.index(WAIT)]), begin(WAIT))
FAILED = (start(), *done(*ORDER[: ORDER.index(SCHEMA)]), begin(SCHEMA), fail(SCHEMA), give_up(SCHEMA, 1))


def error_of(*commands: c.Command) -> str:
    """What the message says after these commands, when the tenant is then escalated."""
    return details_of(*commands)["error"]


def details_of(*commands: c.Command) -> Mapping[str, str]:
    envelopes = recorded(*commands, c.Escalate())
    return message_of(TENANT, envelopes, envelopes[-1].seq).details


def recorded(*commands: c.Command) -> list[Envelope]:
    saga: Saga | None = None
    envelopes: list[Envelope] = []
    for command in commands:
        facts = decide(saga, command)
        saga = fold(facts, saga)
        assert saga is not None
        for fact in facts:
            seq = len(envelopes) + 1
            envelopes.append(seal(TENANT, fact, seq=seq, at=NOON, attempt=saga.attempt, stamp=STAMP, prev=""))
    return envelopes


def stalled(cause: Cause, message: str) -> c.RecordStall:
    stall = Stall(StallKind.ACTIVITY, WAIT, NOON, timedelta(minutes=10))
    return c.RecordStall(stall, Evidence(cause, message))


@pytest.mark.parametrize(
    ("cause", "message"),
    [
        (Cause.CLUSTER_QUOTA, "exceeded quota: pods=4"),
        (Cause.CLUSTER_CRASH, "The container web exits with 1."),
        (Cause.CLUSTER_IMAGE, "The image web:7 cannot be pulled."),
    ],
)
def test_an_explained_stall_is_quoted(cause: Cause, message: str):
    assert error_of(*WAITING, progress(WAIT, message=PULL), stalled(cause, message)) == message


def test_a_stall_without_a_cause_gives_what_the_activity_waits_for():
    nothing = stalled(Cause.UNKNOWN, "Nothing was found.")
    assert error_of(*WAITING, progress(WAIT, message=PULL), nothing) == f"Wait for workloads ready: {PULL}"
    assert error_of(*WAITING, nothing) == "Nothing was found."


def test_a_wait_that_is_in_time_is_quoted():
    assert error_of(*WAITING, progress(WAIT, message=PULL)) == f"Wait for workloads ready: {PULL}"
    assert error_of(*WAITING) == "none is recorded"


def test_an_error_of_an_earlier_attempt_is_not_quoted():
    assert error_of(*FAILED) == "Apply per-tenant schema: no answer"
    again = (*_settled(), c.Reset(), start(cleared=1))
    assert error_of(*again) == "none is recorded"
    waits = (*again, *done(*ORDER[: ORDER.index(WAIT)], number=2), begin(WAIT, 2), progress(WAIT, 2, PULL))
    assert error_of(*waits) == f"Wait for workloads ready: {PULL}"


def test_a_hold_is_quoted():
    assert error_of(*WAITING, c.RecordHold("The DAG is paused.", Cause.ENGINE_PAUSED)) == "The DAG is paused."


def test_what_an_active_tenant_met_before_is_over():
    failed_once = (begin(WAIT), fail(WAIT), *done(WAIT, MARK_ACTIVE, number=2))
    assert error_of(start(), *done(*ORDER[: ORDER.index(WAIT)]), *failed_once) == "none is recorded"


def test_it_lists_the_ten_newest_actions_and_counts_the_others():
    tried = details_of(*FAILED, *[c.Cancel()] * 12)["tried"].splitlines()
    assert tried[:2] == ["cancel 12 times, reset never, retry never", "- 2 older actions"]
    assert len(tried) == 12
    assert tried[-1] == "- cancel at 2026-01-31 12:00:00 UTC by grace (INC-7): still under way"


def test_what_came_after_the_escalation_is_not_in_it():
    envelopes = recorded(*FAILED, c.Escalate(), c.Cancel())
    escalated = next(each.seq for each in envelopes if isinstance(each.fact, f.Escalated))
    assert message_of(TENANT, envelopes, escalated).details["tried"] == "cancel never, reset never, retry never"


def _settled() -> tuple[c.Command, ...]:
    """The failed attempt, and every resource of it released."""
    saga, commands = ask(None, *FAILED), [*FAILED]
    for resource in reversed(saga.live_resources):
        named = (saga.generation, resource.kind, resource.name)
        commands += [c.ReleaseResource(*named), c.ConfirmReleased(*named)]
    return (*commands, c.Settle(saga.generation))
