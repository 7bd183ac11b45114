"""PLAN: the activities of a new attempt, in order. What the timeline, the DAG and the limits show derives from this.

Undoing and observing do not: they go by what the ledger recorded and by registry.py.
"""

from datetime import timedelta
from typing import Final

from tenancy.activities.activity import Activity
from tenancy.activities.registry import activity_of
from tenancy.saga.names import ActivityName
from tenancy.saga.platform import Platform
from tenancy.saga.stalls import TENANT_LIMITS, Limits
from tenancy.saga.tenant import PlanEntry

PLAN: Final[tuple[Activity, ...]] = tuple(
    activity_of(ActivityName(name))
    for name in (
        "validate_request",
        "allocate_storage",
        "allocate_workflow_handle",
        "apply_tenant_schema",
        "deploy_workloads",
        "wait_for_workloads_ready",
        "mark_active",
    )
)


def stall_limit(platform: Platform, activity: Activity) -> timedelta:
    """After how long it is stuck: as the platform file says, else as PLAN does."""
    return platform.stall_limits.get(activity.name, activity.stall_after)


def give_up_limit(platform: Platform, activity: Activity) -> timedelta:
    """After how long it is ended: as the platform file says, else as PLAN does."""
    return platform.give_up.get(activity.name, activity.give_up_after)


def limits(platform: Platform) -> Limits:
    """All by which a stall is judged."""
    tenants = {name: platform.stall_limits.get(name, limit) for name, limit in TENANT_LIMITS.items()}
    return Limits({activity.name: stall_limit(platform, activity) for activity in PLAN}, tenants)


def plan_entries() -> tuple[PlanEntry, ...]:
    """What an attempt that starts now records as its plan."""
    return tuple(activity.entry for activity in PLAN)
