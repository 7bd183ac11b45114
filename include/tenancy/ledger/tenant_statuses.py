"""What stalls are judged by: the state of each tenant, and since when. From the tenants' rows. Reads only."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.causes import cause_of
from tenancy.saga.names import ActivityName, TenantId
from tenancy.saga.stalls import TenantStatus
from tenancy.saga.states import State, Substate
from tenancy.saga.tenant import OpenStall


@dataclass(frozen=True)
class StoredStatus:
    """The status of one tenant, and its recorded stall."""

    tenant_id: TenantId
    standing: TenantStatus
    stall: OpenStall | None


def load_statuses(ledger: LedgerSession) -> Iterator[StoredStatus]:
    """Every tenant that is in motion, failed, or has an open stall."""
    for row in ledger.rows("tenant_statuses"):
        yield StoredStatus(TenantId(row["tenant_id"]), status_of(row), open_stall_of(row))


def status_of(row: dict[str, Any]) -> TenantStatus:
    """From a row of the table of tenants."""
    return TenantStatus(
        state=State(row["state"]),
        substate=Substate(row["substate"]) if row["substate"] else None,
        activity=ActivityName(row["activity"]) if row["activity"] else None,
        state_since=row["state_since"],
        activity_since=row["activity_since"] or row["state_since"],
        held=cause_of(row["held_by"]) if row["held_by"] else None,
        escalated=row["escalated"],
        escalation_sent=row["escalation_sent"],
        failures=row["failures"],
        attempt=row["attempt"],
        failure_cause=cause_of(row["failure_cause"]) if row["failure_cause"] else None,
        error_repeated=row["repeats"],
        group_tenants=row.get("class_tenants") or 0,  # only readers need it
        turn_since=row["turn_since"],
        held_since=row["held_at"],
        activity_cause=cause_of(row["activity_cause"] or ""),
        activity_message=row["activity_said"],
        activity_cause_since=row["activity_cause_at"],
        cancelled=row["cancelled"],
        past_no_return=row["past_no_return"],
    )


def open_stall_of(row: dict[str, Any]) -> OpenStall | None:
    """The stall that is recorded."""
    if row["stall"] is None:
        return None
    cause, observed_at = cause_of(row["stall_cause"]), row["stall_at"]
    return OpenStall(row["stall"], row["stall_activity"], cause, row["stall_said"], observed_at)
