"""Rows of the table of states and commands: what people do."""

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tests.unit.command_cells import NO_FACTS, Row, makes, refuses, row
from tests.unit.sagas import PHASES, TENANT

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

OPERATOR_ROWS: list[tuple[str, c.Command, Row]] = [
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
        "RecordHistoryCleared",
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
        "RecordEscalationSent",
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
