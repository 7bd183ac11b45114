"""What recovering a class does to each of its tenants, and in which order. Pure; `group_recovery` carries it out."""

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
    """One tenant of the class. Without a `course` nothing is done about it, and `why` says why."""

    tenant: Tenant
    history: RecoveryHistory | None
    steps: tuple[str, ...] = ()
    why: str = ""


def plan_recovery(tenant: Tenant) -> PlannedRecovery:
    """What there is to do about it, as it is now."""
    if tenant.phase in _OVER:
        return PlannedRecovery(tenant, None, why=f"it is {tenant.phase}")
    history, alone = _course_of(tenant), f"tenantctl recover {tenant.slug}"
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


def _course_of(tenant: Tenant) -> RecoveryHistory:
    """Who provisions in time was retried, perhaps by us before we were interrupted: it is not to be cancelled."""
    history = RecoveryHistory.start(tenant)
    if tenant.phase != Phase.PROVISIONING or tenant.stalled:
        return history
    last = tenant.failures[-1] if tenant.failures else history.first_failure
    return RecoveryHistory(first_failure=last, first_attempt=tenant.attempt - 1)


def canary_first(cases: Iterable[PlannedRecovery]) -> list[PlannedRecovery]:
    """Those that something is done about; first the one that needs least: the canary."""
    return sorted(
        (planned for planned in cases if planned.history), key=lambda planned: (len(planned.steps), planned.tenant.slug)
    )
