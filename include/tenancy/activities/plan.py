"""PLAN: the activities of a new attempt, in order. The DAG, the timeline and the limits are derived from it.

Compensation and observation are not: they follow the recorded resources and registry.py, so that they still work for
attempts with an older plan. A new activity is one file and one line here (docs/extending/adding-an-activity.md).
"""

from datetime import timedelta
from pkgutil import resolve_name
from typing import Final

from tenancy.activities.activity import Activity
from tenancy.saga.attempt_values import PlanEntry
from tenancy.saga.platform import Platform
from tenancy.saga.stalls import TENANT_LIMITS, Limits


def _activities(*references: str) -> tuple[Activity, ...]:
    """One of each class, written as in an entry point: `package.module:Class`."""
    return tuple(resolve_name(reference)() for reference in references)


PLAN: Final = _activities(
    "tenancy.activities.validate_request:ValidateRequest",
    "tenancy.activities.allocate_storage:AllocateStorage",
    "tenancy.activities.allocate_workflow_handle:AllocateWorkflowHandle",
    "tenancy.activities.apply_tenant_schema:ApplyTenantSchema",
    "tenancy.activities.deploy_workloads:DeployWorkloads",
    "tenancy.activities.wait_for_workloads_ready:WaitForWorkloadsReady",
    "tenancy.activities.mark_active:MarkActive",
)
RETIRED: Final = _activities()
"""Activities that no new attempt runs. A line that leaves PLAN comes here, as long as a tenant may have something that
its activity made: only an installed activity can observe and undo it."""


def stall_limit(platform: Platform, activity: Activity) -> timedelta:
    """After how long it is stalled: from the platform file, else the activity's own value."""
    return platform.stall_limits.get(activity.name, activity.stall_after)


def give_up_limit(platform: Platform, activity: Activity) -> timedelta:
    """After how long it is ended: from the platform file, else the activity's own value."""
    return platform.give_up.get(activity.name, activity.give_up_after)


def limits(platform: Platform) -> Limits:
    """All time limits that define a stall."""
    tenants = {name: platform.stall_limits.get(name, limit) for name, limit in TENANT_LIMITS.items()}
    return Limits({activity.name: stall_limit(platform, activity) for activity in PLAN}, tenants)


def plan_entries() -> tuple[PlanEntry, ...]:
    """What an attempt that starts now records as its plan."""
    return tuple(activity.entry for activity in PLAN)
