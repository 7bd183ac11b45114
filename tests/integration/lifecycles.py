"""Lifecycles of a tenant as commands, from the request to the end, for tests of the ledger."""

from tenancy.saga import commands as c
from tenancy.saga.names import RunId
from tests.unit.sagas import (
    HANDLE,
    MARK_ACTIVE,
    ORDER,
    SCHEMA,
    STORAGE,
    VALIDATE,
    begin,
    complete,
    done,
    fail,
    give_up,
    progress,
    start,
)

SECOND_RUN = RunId("run-2")
_LEFT = (("schema", "acme_1"), ("connection", "acme_1"), ("database", "acme_1"), ("role", "acme_1"))


def release(generation: int, *resources: tuple[str, str]) -> tuple[c.Command, ...]:
    """Each of them released and confirmed."""
    return tuple(verb(generation, *each) for each in resources for verb in (c.ReleaseResource, c.ConfirmReleased))


FIRST_FAILS: tuple[c.Command, ...] = (
    start(),
    *done(VALIDATE, STORAGE, HANDLE),
    begin(SCHEMA),
    progress(SCHEMA),
    fail(SCHEMA),
    begin(SCHEMA, 2),
    fail(SCHEMA, 2),
    give_up(SCHEMA, 2),
)
STUCK_THEN_SETTLED: tuple[c.Command, ...] = (
    c.CheckUnwinding(1),
    *release(1, _LEFT[0]),
    c.ReleaseResource(1, *_LEFT[1]),
    c.ReportCompensationFailure(1, *_LEFT[1], "TransientError", "no answer"),
    *release(1, *_LEFT[2:]),
    c.ExhaustUnwinding(1),
    c.Cancel(),
    *release(2, _LEFT[1]),
    c.ReportFoundAgain(2, *_LEFT[2]),
    *release(2, _LEFT[2]),
    c.Settle(2),
)
RETRIED_AND_RETAINED: tuple[c.Command, ...] = (
    c.Reset(),
    c.RecordHistoryCleared(),
    start(SECOND_RUN),
    c.RecordHold("the DAG is paused"),
    *done(*ORDER[:-1], run_id=SECOND_RUN),
    begin(MARK_ACTIVE, 1, SECOND_RUN),
    fail(MARK_ACTIVE, 1, SECOND_RUN),
    give_up(MARK_ACTIVE, 1, SECOND_RUN),
    c.Reset(),
)
ACTIVE_AND_GONE: tuple[c.Command, ...] = (
    start(RunId("run-3")),
    *done(*ORDER[:-1], number=3, run_id=RunId("run-3")),
    begin(MARK_ACTIVE, 3, RunId("run-3")),
    complete(MARK_ACTIVE, 3, RunId("run-3")),
    c.Escalate(),
    c.RecordEscalationSent("slack"),
    c.Decommission(),
    *release(3, ("release", "acme-1"), ("namespace", "acme-1"), *_LEFT),
    c.Settle(3),
)
WHOLE_LIFE = (*FIRST_FAILS, *STUCK_THEN_SETTLED, *RETRIED_AND_RETAINED, *ACTIVE_AND_GONE)
"""Every state but Provisioning's own way to Cancelling, most kinds of fact, three attempts."""
