"""Rows of the table of states and commands: what unwinding sends."""

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tests.unit.command_cells import NO_FACTS, TO_BE_UNWOUND, Row, makes, refuses, row

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
CONNECTION = ("connection", "acme_1")
OVERTAKEN = row({TO_BE_UNWOUND: refuses("Unwinding 0 is over", "unwinding 1")}, NOTHING_TO_UNWIND)

UNWINDING_ROWS: list[tuple[str, c.Command, Row]] = [
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
]
