"""What the recovery of an incident group does to each tenant, and in which order. Pure; `group_recovery` does it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tenantctl.phases import Phase
from tenantctl.recovery_policy import RecoveryHistory, Stop, next_step, remaining_steps
from tenantctl.tenant import Tenant

AT_ONCE: Final = 3
_OVER: Final = frozenset({Phase.ACTIVE, Phase.DECOMMISSIONING, Phase.DECOMMISSIONED})


@dataclass(frozen=True)
class PlannedRecovery:
    """One tenant of the group. Without a `history` nothing is done to it; `why` has the reason."""

    tenant: Tenant
    history: RecoveryHistory | None
    steps: tuple[str, ...] = ()
    why: str = ""


def plan_recovery(tenant: Tenant) -> PlannedRecovery:
    """Plan the recovery of this tenant from its present state."""
    if tenant.phase in _OVER:
        return PlannedRecovery(tenant, None, why=f"it is {tenant.phase}")
    history, alone = _history_of(tenant), f"tenantctl recover {tenant.slug}"
    if history.has_retried(tenant) and not isinstance(next_step(tenant, history), Stop):
        return PlannedRecovery(tenant, history, why="it was retried already: only waited for")
    if tenant.retry_wants_slug:
        spent = f"{tenant.attempt} attempts did not end Active"
        return PlannedRecovery(tenant, None, why=f"{spent}: decommission + recreate, or {alone}")
    if isinstance(stop := next_step(tenant, history), Stop):
        return PlannedRecovery(tenant, None, why=stop.message)
    if "cancel" in remaining_steps(tenant) and tenant.cancel_wants_slug:
        return PlannedRecovery(tenant, None, why=f"cancelling it destroys a customer's data: {alone}")
    return PlannedRecovery(tenant, history, remaining_steps(tenant))


def _history_of(tenant: Tenant) -> RecoveryHistory:
    """A tenant that provisions in time was retried, perhaps by an interrupted run of ours. Do not cancel it."""
    history = RecoveryHistory.start(tenant)
    if tenant.phase != Phase.PROVISIONING or tenant.stalled:
        return history
    last = tenant.failures[-1] if tenant.failures else history.first_failure
    return RecoveryHistory(first_failure=last, first_attempt=tenant.attempt - 1)


def canary_first(planned_recoveries: Iterable[PlannedRecovery]) -> list[PlannedRecovery]:
    """The recoveries that do something. The first one, the canary, needs the fewest steps."""
    return sorted(
        (planned for planned in planned_recoveries if planned.history),
        key=lambda planned: (len(planned.steps), planned.tenant.slug),
    )
