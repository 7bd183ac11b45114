"""Facts of what people do about a tenant, besides Cancel and Decommission (unwinding_facts.py)."""

from dataclasses import dataclass

from tenancy.saga.facts.fact import Fact
from tenancy.saga.names import RunId


@dataclass(frozen=True)
class RunReset(Fact):
    kind = "tenant.provisioning.reset"
    forced: bool = False


@dataclass(frozen=True)
class RunHistoryCleared(Fact):
    """Airflow's task instances of the reset run are empty again."""

    kind = "tenant.provisioning.history_cleared"


@dataclass(frozen=True)
class RetryRequested(Fact):
    kind = "tenant.provisioning.retried"
    run_id: RunId


@dataclass(frozen=True)
class ActionRefused(Fact):
    kind = "tenant.action.refused"
    action: str
    message: str


@dataclass(frozen=True)
class RawActionNoted(Fact):
    """Somebody used one of Airflow's own buttons, and it has no effect on the tenant."""

    kind = "tenant.airflow_action.noted"
    action: str
    run_id: RunId


@dataclass(frozen=True)
class Escalated(Fact):
    kind = "tenant.provisioning.escalated"


@dataclass(frozen=True)
class EscalationSent(Fact):
    """A notification channel (slack, smtp, webhook) has accepted the message about the escalation."""

    kind = "tenant.provisioning.escalation_sent"
    channel: str


@dataclass(frozen=True)
class InvitationShown(Fact):
    """The tenant admin's invitation was shown to the operator who asked for it. It is not shown again."""

    kind = "tenant.invitation.shown"
    generation: int


@dataclass(frozen=True)
class InvitationRenewed(Fact):
    """The next invitation is valid; earlier ones are not."""

    kind = "tenant.invitation.renewed"
    generation: int


@dataclass(frozen=True)
class NoteAdded(Fact):
    """A person's note on the tenant. Not `message`: that goes to the logs, and people type anything here."""

    kind = "tenant.note.added"
    text: str
