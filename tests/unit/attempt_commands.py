"""Rows of the table of states and commands: what tasks, runs and the reconciler send."""

from datetime import UTC, datetime, timedelta

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.stalls import Stall, StallKind
from tests.unit.command_cells import NO_FACTS, TO_BE_UNWOUND, Row, makes, refuses, row, stale
from tests.unit.sagas import (
    BETA,
    HANDLE,
    NO_SAGA,
    OTHER_RUN,
    PHASES,
    RUN,
    SCHEMA,
    STORAGE,
    begin,
    complete,
    fail,
    give_up,
    progress,
    start,
)

SINCE = datetime(2026, 2, 1, tzinfo=UTC)
NO_EVIDENCE = Evidence(Cause.UNKNOWN, "nothing")
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
NOT_WAITED_FOR: Row = {phase: refuses("No run of this tenant") for phase in PHASES if phase != "Provisioning"}

ATTEMPT_ROWS: list[tuple[str, c.Command, Row]] = [
    (
        "StartAttempt by its own run: the whole run was cleared",
        start(RUN, cleared=1),
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
        "StartAttempt by its own run, which nobody cleared: Airflow started it again by itself",
        start(RUN),
        row(
            {
                NO_SAGA: makes(f.ProvisioningRequested, f.AttemptStarted),
                "Provisioning | Active": NO_FACTS,
                "Cancelling": refuses("being cancelled", "then reset and retry", field="slug"),
                "Failed unwinding": refuses("being undone", "then reset and retry", field="slug"),
                "Failed stuck": refuses("could not be undone", "Cancel it again", field="slug"),
                "Failed settled | Failed retained | Failed ready": refuses(
                    "nobody has cleared it since", "clear the whole run, or use Retry", field="slug"
                ),
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
        start(RUN, BETA, cleared=1),
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
        c.ExplainStall(NO_EVIDENCE),
        row({}, {phase: refuses("no stall") for phase in PHASES}),
    ),
    ("ClearStall", c.ClearStall(), row(dict.fromkeys(PHASES, NO_FACTS))),
    (
        "ReportSystemReplaced",
        c.ReportSystemReplaced("database", "acme_1", "postgres:2", "platform.toml"),
        row(dict.fromkeys(PHASES, makes(f.SystemReplaced))),
    ),
    (
        "ReportSystemReplaced of a resource that no fact names",
        c.ReportSystemReplaced("database", "other_1", "postgres:2", "platform.toml"),
        row({phase: refuses("No fact names") for phase in PHASES}),
    ),
]
