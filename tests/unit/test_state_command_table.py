"""Every phase x every command: what the law answers. The table is the specification; read it as such.

A cell is the facts' classes that the command makes (none: it is already so), or words of the refusal's sentence.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.decide import decide
from tenancy.saga.errors import Refused, StaleLease
from tenancy.saga.evolve import fold
from tenancy.saga.stalls import Stall, StallKind
from tests.unit.sagas import (
    BETA,
    HANDLE,
    MARK_ACTIVE,
    NO_SAGA,
    OTHER_RUN,
    PHASES,
    RUN,
    SCHEMA,
    STORAGE,
    TENANT,
    begin,
    complete,
    fail,
    give_up,
    progress,
    start,
    tenant_in,
)


@dataclass(frozen=True)
class Makes:
    """These facts, in this order."""

    facts: tuple[type[f.Fact], ...]


@dataclass(frozen=True)
class Refuses:
    """One sentence with all these words in it."""

    words: tuple[str, ...]
    field: str | None = None
    retry_after: int | None = None
    stale: bool = False


Answer = Makes | Refuses
Row = dict[str, Answer]


def makes(*facts: type[f.Fact]) -> Makes:
    return Makes(facts)


def refuses(*words: str, field: str | None = None, retry_after: int | None = None) -> Refuses:
    return Refuses(words, field, retry_after)


def stale(*words: str) -> Refuses:
    return Refuses(words, stale=True)


def row(cells: dict[str, Answer], otherwise: Row | None = None) -> Row:
    """`a | b` names several phases of one answer; `otherwise` fills the phases that are not named."""
    named = {phase: answer for phases, answer in cells.items() for phase in phases.split(" | ")}
    return {**(otherwise or {}), NO_SAGA: refuses("no such tenant"), **named}


SINCE = datetime(2026, 2, 1, tzinfo=UTC)
NOTHING_SEEN = Evidence(Cause.UNKNOWN, "nothing")
NO_FACTS = makes()
CONNECTION = ("connection", "acme_1")

TASKS_MAY_NOT_RUN: Row = {
    "Cancelling": refuses("being cancelled", "may not run again"),
    "Failed unwinding": refuses("being undone", "may not run again"),
    "Failed stuck": refuses("could not be undone", "cancel it again"),
    "Failed settled": refuses("clear the whole run", "Reset and Retry"),
    "Failed retained": refuses("clear the whole run", "Reset and Retry"),
    "Failed ready": refuses("clear the whole run", "Retry"),
    "Active": refuses("active", "nothing of its run is left to do"),
    "Decommissioning": refuses("being decommissioned"),
    "Decommissioned": refuses("is decommissioned", "trigger a new run"),
}
NOTHING_TO_UNWIND: Row = {
    phase: refuses("Nothing is to be unwound", phase)
    for phase in (
        "Provisioning",
        "Failed settled",
        "Failed ready",
        "Failed retained",
        "Failed stuck",
        "Active",
        "Decommissioned",
    )
}
TO_BE_UNWOUND = "Cancelling | Failed unwinding | Decommissioning"
OVERTAKEN = row({TO_BE_UNWOUND: refuses("Unwinding 0 is over", "unwinding 1")}, NOTHING_TO_UNWIND)
NOT_WAITED_FOR: Row = {phase: refuses("No run of this tenant") for phase in PHASES if phase != "Provisioning"}
NO_INVITATION_YET: Row = {phase: refuses("once the tenant is Active", f"it is {phase}") for phase in PHASES}
FORCE_NEEDS_ROLE = refuses("platform engineer's role")
FORCE_NEEDS_REASON = refuses("reason", field="reason")
MAY_BE_FORCED = "Provisioning | Cancelling | Failed unwinding | Failed stuck"
NOT_EVEN_BY_FORCE = "Failed ready | Active | Decommissioning | Decommissioned"

ANOTHER = "018f0000-0000-7000-8000-00000000beef"
CANCELLABLE = "Provisioning | Cancelling | Failed unwinding | Failed stuck | Failed retained"
NOTHING_TO_CANCEL: Row = {
    "Failed settled": refuses("nothing to cancel", "Reset, then retry"),
    "Failed ready": refuses("nothing to cancel", "Retry, or decommission"),
    "Active": refuses("nothing to cancel", "decommission it"),
    "Decommissioning": refuses("nothing to cancel", "decommission again"),
    "Decommissioned": refuses("nothing to cancel", "Create the tenant anew"),
}
DESTROYABLE = "Failed retained | Failed stuck | Active | Decommissioning"
MAY_NOT_BE_DECOMMISSIONED: Row = {
    "Provisioning": refuses("Decommission is refused", "Cancel first"),
    "Cancelling": refuses("Decommission is refused", "Wait 2 minutes"),
    "Failed unwinding": refuses("Decommission is refused", "Wait until"),
    "Decommissioned": refuses("Decommission is refused", "Create the tenant anew"),
}

TABLE: list[tuple[str, c.Command, Row]] = [
    (
        "StartAttempt by its own run: the whole run was cleared",
        start(RUN),
        row(
            {
                NO_SAGA: makes(f.ProvisioningRequested, f.AttemptStarted),
                "Provisioning | Active": NO_FACTS,
                "Cancelling": refuses("being cancelled", "then reset and retry", field="slug"),
                "Failed unwinding": refuses("being undone", "then reset and retry", field="slug"),
                "Failed stuck": refuses("could not be undone", "Cancel it again", field="slug"),
                "Failed settled | Failed retained": makes(f.RunReset, f.RetryRequested, f.AttemptStarted),
                "Failed ready": makes(f.RetryRequested, f.AttemptStarted),
                "Decommissioning": refuses("being decommissioned", field="slug"),
                "Decommissioned": refuses("decommissioned tenant", "Trigger a new run", field="slug"),
            }
        ),
    ),
    (
        "StartAttempt by another run: Retry, or the same slug triggered again",
        start(OTHER_RUN),
        row(
            {
                NO_SAGA: makes(f.ProvisioningRequested, f.AttemptStarted),
                "Provisioning": refuses("acme", "being provisioned by run run-1", "attempt 1", field="slug"),
                "Cancelling": refuses("being cancelled", "then reset and retry", field="slug"),
                "Failed unwinding": refuses("being undone", "then reset and retry", field="slug"),
                "Failed stuck": refuses("could not be undone", "Cancel it again", field="slug"),
                "Failed settled": refuses("has failed", "Reset it first", field="slug"),
                "Failed retained": refuses("all it has is kept", "Reset it first", field="slug"),
                "Failed ready": makes(f.RetryRequested, f.AttemptStarted),
                "Active": refuses("taken by an active tenant", "another slug", field="slug"),
                "Decommissioning": refuses("being decommissioned", field="slug"),
                "Decommissioned": refuses("decommissioned tenant", "Trigger a new run", field="slug"),
            }
        ),
    ),
    (
        "StartAttempt by its own run, asking for another plan",
        start(RUN, BETA),
        row(
            {
                NO_SAGA: makes(f.ProvisioningRequested, f.AttemptStarted),
                "Provisioning | Active": NO_FACTS,
                "Cancelling": refuses("being cancelled", field="slug"),
                "Failed unwinding": refuses("being undone", field="slug"),
                "Failed stuck": refuses("could not be undone", field="slug"),
                "Failed settled": makes(f.RunReset, f.RetryRequested, f.AttemptStarted),
                "Failed retained": refuses("kept its resources", "must ask for the same", field="plan"),
                "Failed ready": makes(f.RetryRequested, f.AttemptStarted),
                "Decommissioning": refuses("being decommissioned", field="slug"),
                "Decommissioned": refuses("decommissioned tenant", field="slug"),
            }
        ),
    ),
    (
        "BeginActivity by a newer task instance: a try again, or a cleared task",
        begin(HANDLE, 2),
        row({"Provisioning": makes(f.ActivityStarted), "Active": NO_FACTS}, TASKS_MAY_NOT_RUN),
    ),
    (
        "BeginActivity by the holder itself: resumed after a deferral",
        begin(HANDLE, 1),
        row({"Provisioning | Active": NO_FACTS}, TASKS_MAY_NOT_RUN),
    ),
    (
        "BeginActivity by an older task instance",
        begin(HANDLE, 0),
        row({"Provisioning": stale("newer task instance", "must stop"), "Active": NO_FACTS}, TASKS_MAY_NOT_RUN),
    ),
    (
        "BeginActivity of another run",
        begin(HANDLE, 2, OTHER_RUN),
        row({"Provisioning": stale("not the tenant's current attempt"), "Active": NO_FACTS}, TASKS_MAY_NOT_RUN),
    ),
    (
        "BeginActivity before its predecessor is done",
        begin(SCHEMA),
        row(
            {
                "Provisioning": refuses("allocate_workflow_handle is not done", "whatever state Airflow shows"),
                "Active": NO_FACTS,
            },
            TASKS_MAY_NOT_RUN,
        ),
    ),
    (
        "CompleteActivity by the holder",
        complete(HANDLE, 1),
        row({"Provisioning": makes(f.ResourcePresent, f.ActivityCompleted), "Active": NO_FACTS}, TASKS_MAY_NOT_RUN),
    ),
    (
        "CompleteActivity by the holder, once more",
        complete(STORAGE, 1),
        row({"Provisioning | Active": NO_FACTS}, TASKS_MAY_NOT_RUN),
    ),
    (
        "CompleteActivity by anybody else",
        complete(HANDLE, 2),
        row({"Provisioning": stale("no longer held")}, TASKS_MAY_NOT_RUN),
    ),
    (
        "ReportProgress of the activity under way",
        progress(HANDLE, 1),
        row({"Provisioning": makes(f.ActivityProgressed)}, TASKS_MAY_NOT_RUN),
    ),
    (
        "ReportProgress of a task instance that does not hold the lease",
        progress(HANDLE, 2),
        row({"Provisioning": stale("no longer held")}, TASKS_MAY_NOT_RUN),
    ),
    (
        "FailActivity by the holder",
        fail(HANDLE, 1),
        row({"Provisioning": makes(f.ActivityFailed)}, TASKS_MAY_NOT_RUN),
    ),
    (
        "FailActivity by anybody else",
        fail(HANDLE, 2),
        row({"Provisioning": stale("no longer held")}, TASKS_MAY_NOT_RUN),
    ),
    (
        "GiveUp by the holder's callback",
        give_up(HANDLE, 1),
        row(
            {
                "Provisioning": makes(f.ProvisioningFailed, f.UnwindingStarted),
                "Failed unwinding | Failed retained": NO_FACTS,
            },
            TASKS_MAY_NOT_RUN,
        ),
    ),
    (
        "GiveUp of the run as a whole",
        give_up(),
        row(
            {
                "Provisioning": makes(f.ProvisioningFailed, f.UnwindingStarted),
                "Failed unwinding | Failed retained": NO_FACTS,
            },
            TASKS_MAY_NOT_RUN,
        ),
    ),
    (
        "GiveUp by an older task instance's callback",
        give_up(HANDLE, 0),
        row(
            {"Provisioning": stale("newer task instance"), "Failed unwinding | Failed retained": NO_FACTS},
            TASKS_MAY_NOT_RUN,
        ),
    ),
    (
        "GiveUp of another run",
        give_up(run_id=OTHER_RUN),
        row({"Provisioning": stale("not the tenant's current attempt")}, TASKS_MAY_NOT_RUN),
    ),
    (
        "ResumeAttempt",
        c.ResumeAttempt(RUN, "the ledger is older than the run"),
        row({"Provisioning": makes(f.PointOfNoReturnPassed, f.RunHeld)}, TASKS_MAY_NOT_RUN),
    ),
    (
        "ResumeAttempt of another run",
        c.ResumeAttempt(OTHER_RUN, "the ledger is older than the run"),
        row({"Provisioning": stale("not the tenant's current attempt")}, TASKS_MAY_NOT_RUN),
    ),
    (
        "CheckUnwinding",
        c.CheckUnwinding(1),
        row({TO_BE_UNWOUND: NO_FACTS}, NOTHING_TO_UNWIND),
    ),
    ("CheckUnwinding of an older generation", c.CheckUnwinding(0), OVERTAKEN),
    ("RenewUnwinding", c.RenewUnwinding(1), row({TO_BE_UNWOUND: makes(f.UnwindingStarted)}, NOTHING_TO_UNWIND)),
    ("RenewUnwinding of an older generation", c.RenewUnwinding(0), OVERTAKEN),
    (
        "ReleaseResource",
        c.ReleaseResource(1, *CONNECTION),
        row({TO_BE_UNWOUND: makes(f.ResourceReleasing)}, NOTHING_TO_UNWIND),
    ),
    ("ReleaseResource of an older generation", c.ReleaseResource(0, *CONNECTION), OVERTAKEN),
    (
        "ReleaseResource of what no fact names",
        c.ReleaseResource(1, "database", "somebody_elses"),
        row(
            {TO_BE_UNWOUND: refuses("No fact names a database somebody_elses")},
            NOTHING_TO_UNWIND,
        ),
    ),
    (
        "ConfirmReleased",
        c.ConfirmReleased(1, *CONNECTION),
        row({TO_BE_UNWOUND: makes(f.ResourceReleased)}, NOTHING_TO_UNWIND),
    ),
    ("ConfirmReleased of an older generation", c.ConfirmReleased(0, *CONNECTION), OVERTAKEN),
    (
        "ReportFoundAgain of what was not released yet",
        c.ReportFoundAgain(1, *CONNECTION),
        row({TO_BE_UNWOUND: NO_FACTS}, NOTHING_TO_UNWIND),
    ),
    ("ReportFoundAgain of an older generation", c.ReportFoundAgain(0, *CONNECTION), OVERTAKEN),
    (
        "ReportCompensationFailure",
        c.ReportCompensationFailure(1, *CONNECTION, "TransientError", "no answer"),
        row({TO_BE_UNWOUND: makes(f.CompensationFailed)}, NOTHING_TO_UNWIND),
    ),
    (
        "ReportCompensationFailure of an older generation",
        c.ReportCompensationFailure(0, *CONNECTION, "TransientError", "no answer"),
        OVERTAKEN,
    ),
    (
        "Settle while something may still exist",
        c.Settle(1),
        row(
            {TO_BE_UNWOUND: refuses("Not settled", "connection acme_1")},
            NOTHING_TO_UNWIND,
        ),
    ),
    ("Settle of an older generation", c.Settle(0), OVERTAKEN),
    (
        "ExhaustUnwinding",
        c.ExhaustUnwinding(1),
        row({TO_BE_UNWOUND: makes(f.UnwindingExhausted)}, NOTHING_TO_UNWIND),
    ),
    (
        "ExhaustUnwinding, because the tenant may be a customer's",
        c.ExhaustUnwinding(1, "the ledger is older", keep_resources=True),
        row(
            {
                "Cancelling | Failed unwinding": makes(f.UnwindingExhausted, f.PointOfNoReturnPassed),
                "Decommissioning": makes(f.UnwindingExhausted),
            },
            NOTHING_TO_UNWIND,
        ),
    ),
    ("ExhaustUnwinding of an older generation", c.ExhaustUnwinding(0), OVERTAKEN),
    (
        "Cancel",
        c.Cancel(),
        row({CANCELLABLE: makes(f.CancelRequested)}, NOTHING_TO_CANCEL),
    ),
    (
        "Reset",
        c.Reset(),
        row(
            {
                "Provisioning": refuses("Reset is refused", "Cancel first", retry_after=120),
                "Cancelling": refuses("Reset is refused", "Wait 2 minutes", "cancel again", retry_after=120),
                "Failed unwinding": refuses("Reset is refused", "Wait until", "cancel again", retry_after=120),
                "Failed stuck": refuses("Reset is refused", "remove the cause, then cancel again"),
                "Failed settled | Failed retained": makes(f.RunReset),
                "Failed ready": refuses("Reset is refused", "Retry"),
                "Active": refuses("Reset is refused", "It is done"),
                "Decommissioning": refuses("Reset is refused", "decommission again"),
                "Decommissioned": refuses("Reset is refused", "Create the tenant anew"),
            }
        ),
    ),
    (
        "Reset, forced by a platform engineer with a reason",
        c.Reset(force=True, platform_role=True, reason="INC-7"),
        row(
            {
                MAY_BE_FORCED: makes(f.RunReset),
                "Failed settled | Failed retained": makes(f.RunReset),
                NOT_EVEN_BY_FORCE: refuses("nothing to reset"),
            }
        ),
    ),
    (
        "Reset, forced without the platform role",
        c.Reset(force=True, reason="INC-7"),
        row(
            {
                f"{MAY_BE_FORCED} | {NOT_EVEN_BY_FORCE}": FORCE_NEEDS_ROLE,
                "Failed settled | Failed retained": makes(f.RunReset),
            }
        ),
    ),
    (
        "Reset, forced without a reason",
        c.Reset(force=True, platform_role=True, reason=" \n"),
        row(
            {
                f"{MAY_BE_FORCED} | {NOT_EVEN_BY_FORCE}": FORCE_NEEDS_REASON,
                "Failed settled | Failed retained": makes(f.RunReset),
            }
        ),
    ),
    (
        "Decommission",
        c.Decommission(),
        row(
            {
                "Failed settled | Failed ready": makes(f.DecommissionRequested, f.TenantDecommissioned),
                DESTROYABLE: makes(f.DecommissionRequested),
            },
            MAY_NOT_BE_DECOMMISSIONED,
        ),
    ),
    (
        "Confirmed Cancel that names nothing",
        c.Confirmed(c.Cancel()),
        row(
            {
                "Provisioning | Cancelling | Failed unwinding | Failed stuck": makes(f.CancelRequested),
                "Failed retained": refuses("Type the slug acme", "destroys a customer's data", field="confirm_slug"),
            },
            NOTHING_TO_CANCEL,
        ),
    ),
    (
        "Confirmed Cancel that names the tenant",
        c.Confirmed(c.Cancel(), str(TENANT), "acme"),
        row({CANCELLABLE: makes(f.CancelRequested)}, NOTHING_TO_CANCEL),
    ),
    (
        "Confirmed Cancel that names another tenant",
        c.Confirmed(c.Cancel(), ANOTHER, "acme"),
        row({CANCELLABLE: refuses(str(TENANT), ANOTHER, "Nothing was done", field="tenant_id")}, NOTHING_TO_CANCEL),
    ),
    (
        "Confirmed Decommission that names nothing",
        c.Confirmed(c.Decommission()),
        row(
            {
                "Failed settled | Failed ready": refuses("Send the tenant's id", str(TENANT), field="tenant_id"),
                DESTROYABLE: refuses("Type the slug acme", field="confirm_slug"),
            },
            MAY_NOT_BE_DECOMMISSIONED,
        ),
    ),
    (
        "Confirmed Decommission with the slug alone, which may be another tenant's by now",
        c.Confirmed(c.Decommission(), slug="acme"),
        row(
            {f"Failed settled | Failed ready | {DESTROYABLE}": refuses("Send the tenant's id", field="tenant_id")},
            MAY_NOT_BE_DECOMMISSIONED,
        ),
    ),
    (
        "Confirmed Decommission that names the tenant",
        c.Confirmed(c.Decommission(), str(TENANT), "acme"),
        row(
            {
                "Failed settled | Failed ready": makes(f.DecommissionRequested, f.TenantDecommissioned),
                DESTROYABLE: makes(f.DecommissionRequested),
            },
            MAY_NOT_BE_DECOMMISSIONED,
        ),
    ),
    (
        "Confirmed Decommission that names another tenant",
        c.Confirmed(c.Decommission(), ANOTHER, "acme"),
        row(
            {f"Failed settled | Failed ready | {DESTROYABLE}": refuses(ANOTHER, field="tenant_id")},
            MAY_NOT_BE_DECOMMISSIONED,
        ),
    ),
    (
        "Confirmed Reset by force that names nothing",
        c.Confirmed(c.Reset(force=True, platform_role=True, reason="INC-7")),
        row(
            {
                f"{MAY_BE_FORCED} | Failed settled | Failed retained": refuses("tenant's id", field="tenant_id"),
                NOT_EVEN_BY_FORCE: refuses("nothing to reset"),
            }
        ),
    ),
    (
        "Confirmed Escalate that names nothing",
        c.Confirmed(c.Escalate()),
        row({"Decommissioned": refuses("nothing to escalate")}, dict.fromkeys(PHASES, makes(f.Escalated))),
    ),
    (
        "RecordHold",
        c.RecordHold("the DAG is paused"),
        row(
            {
                f"Provisioning | {TO_BE_UNWOUND}": makes(f.RunHeld),
            },
            NOT_WAITED_FOR,
        ),
    ),
    (
        "RecordHold of a run that continues anyway",
        c.RecordHold(""),
        row({f"Provisioning | {TO_BE_UNWOUND}": NO_FACTS}, NOT_WAITED_FOR),
    ),
    (
        "RecordStall",
        c.RecordStall(
            Stall(StallKind.ACTIVITY, HANDLE, SINCE, timedelta(minutes=5)), Evidence(Cause.ENGINE_REFUSES, "no")
        ),
        row(
            {"Provisioning": makes(f.ProvisioningStalled)},
            {phase: refuses("It has continued", phase) for phase in PHASES},
        ),
    ),
    (
        "ExplainStall",
        c.ExplainStall(NOTHING_SEEN),
        row({}, {phase: refuses("no stall") for phase in PHASES}),
    ),
    ("ClearStall", c.ClearStall(), row(dict.fromkeys(PHASES, NO_FACTS))),
    (
        "NoteHistoryCleared",
        c.RecordHistoryCleared(),
        row(
            {
                "Failed ready": makes(f.RunHistoryCleared),
                " | ".join(phase for phase in PHASES if phase != "Failed ready"): NO_FACTS,
            }
        ),
    ),
    (
        "Escalate",
        c.Escalate(),
        row(
            {
                "Decommissioned": refuses("nothing to escalate"),
                " | ".join(phase for phase in PHASES if phase != "Decommissioned"): makes(f.Escalated),
            }
        ),
    ),
    (
        "NoteEscalationSent",
        c.RecordEscalationSent("slack"),
        row({" | ".join(PHASES): NO_FACTS}),  # nobody has escalated; test_stalls.py has one who did
    ),
    (
        "ShowInvitation",
        c.ShowInvitation(1),
        row({"Active": makes(f.InvitationShown)}, NO_INVITATION_YET),
    ),
    (
        "ShowInvitation of another generation",
        c.ShowInvitation(2),
        row({"Active": refuses("Another invitation was made meanwhile")}, NO_INVITATION_YET),
    ),
    (
        "RenewInvitation",
        c.RenewInvitation(),
        row({"Active": makes(f.InvitationRenewed)}, NO_INVITATION_YET),
    ),
]

CELLS = [
    pytest.param(phase, command, answer, id=f"{phase} - {name}")
    for name, command, cells in TABLE
    for phase, answer in cells.items()
]


@pytest.mark.parametrize(("phase", "command", "answer"), CELLS)
def test_the_law_answers_as_the_table_says(phase: str, command: c.Command, answer: Answer) -> None:
    saga = None if phase == NO_SAGA else tenant_in(phase)
    if isinstance(answer, Makes):
        facts = decide(saga, command)
        assert tuple(type(fact) for fact in facts) == answer.facts
        return
    with pytest.raises(Refused) as refusal:
        decide(saga, command)
    sentence = str(refusal.value)
    assert [word for word in answer.words if word not in sentence] == [], sentence
    assert (refusal.value.field, refusal.value.retry_after) == (answer.field, answer.retry_after)
    assert isinstance(refusal.value, StaleLease) is answer.stale


def test_the_table_has_every_command() -> None:
    every = {*c.Command.__subclasses__(), *c.UnwindingCommand.__subclasses__()} - {c.UnwindingCommand}
    assert {type(command) for _, command, _ in TABLE} == every


@pytest.mark.parametrize(("name", "cells"), [(name, cells) for name, _, cells in TABLE])
def test_every_row_of_the_table_has_every_phase(name: str, cells: Row) -> None:
    assert set(cells) == {NO_SAGA, *PHASES}


@pytest.mark.parametrize("phase", PHASES)
def test_each_exemplar_is_in_its_phase(phase: str) -> None:
    assert tenant_in(phase).phase == phase


@pytest.mark.parametrize(
    ("phase", "command", "leads_to"),
    [
        ("Provisioning", c.Cancel(), "Cancelling"),
        ("Cancelling", c.Cancel(), "Cancelling"),
        ("Failed unwinding", c.Cancel(), "Cancelling"),
        ("Failed stuck", c.Cancel(), "Cancelling"),
        ("Failed retained", c.Cancel(), "Cancelling"),
        ("Failed settled", c.Reset(), "Failed ready"),
        ("Failed retained", c.Reset(), "Failed ready"),
        ("Provisioning", c.Reset(force=True, platform_role=True, reason="INC-7"), "Failed ready"),
        ("Failed ready", start(OTHER_RUN), "Provisioning"),
        ("Failed settled", start(RUN), "Provisioning"),
        ("Failed retained", start(RUN), "Provisioning"),
        ("Provisioning", give_up(), "Failed unwinding"),
        ("Provisioning", fail(HANDLE), "Provisioning"),
        ("Failed settled", c.Decommission(), "Decommissioned"),
        ("Failed ready", c.Decommission(), "Decommissioned"),
        ("Failed stuck", c.Decommission(), "Decommissioning"),
        ("Decommissioning", c.Decommission(), "Decommissioning"),
        ("Cancelling", c.ExhaustUnwinding(1), "Failed stuck"),
        ("Failed unwinding", c.ExhaustUnwinding(1), "Failed stuck"),
        ("Decommissioning", c.ExhaustUnwinding(1), "Decommissioning"),
        ("Active", c.Escalate(), "Active"),
        ("Active", begin(MARK_ACTIVE, 2), "Active"),
    ],
)
def test_an_accepted_command_leads_to_its_phase(phase: str, command: c.Command, leads_to: str) -> None:
    saga = fold(decide(tenant_in(phase), command), tenant_in(phase))
    assert saga is not None
    assert saga.phase == leads_to
