"""What the recovery of an incident group does to each tenant, and in which order. Pure; `group_recovery` does it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tenantctl.phases import Phase
from tenantctl.recovery_step import DONE, RecoveryStep
from tenantctl.tenant import Tenant

AT_ONCE: Final = 3
OVER: Final = frozenset({Phase.ACTIVE, Phase.DECOMMISSIONING, Phase.DECOMMISSIONED})


@dataclass(frozen=True)
class PlannedRecovery:
    """One tenant of the group. Unless it `begins`, nothing is done to it; `why` has the reason."""

    tenant: Tenant
    begins: bool
    steps: tuple[str, ...] = ()
    why: str = ""


def plan_recovery(tenant: Tenant, step: RecoveryStep | None) -> PlannedRecovery:
    """Plan the recovery of this tenant from its first step. None: it is over, and was not asked for one."""
    if step is None or step.kind == DONE:
        return PlannedRecovery(tenant, begins=False, why=f"it is {tenant.phase}")
    if step.has_ended:
        return PlannedRecovery(tenant, begins=False, why=step.why)
    if step.needs_slug:
        return PlannedRecovery(tenant, begins=False, why=_why_alone(step))
    if not step.remaining:
        return PlannedRecovery(tenant, begins=True, why=f"only waited for: {step.why}")
    return PlannedRecovery(tenant, begins=True, steps=step.remaining)


def _why_alone(step: RecoveryStep) -> str:
    alone = f"tenantctl recover {step.tenant.slug}"
    if step.destroys:
        return f"cancelling it destroys a customer's data: {alone}"
    return f"{step.tenant.attempt} attempts did not end Active: decommission + recreate, or {alone}"


def canary_first(planned_recoveries: Iterable[PlannedRecovery]) -> list[PlannedRecovery]:
    """The recoveries that begin. The first one, the canary, needs the fewest steps."""
    return sorted(
        (planned for planned in planned_recoveries if planned.begins),
        key=lambda planned: (len(planned.steps), planned.tenant.slug),
    )
