"""PLAN: the saga's activities in order. A new one is one file and its line here; everything else derives from this."""

from datetime import timedelta
from typing import Final

from tenancy.activities.activity import Activity
from tenancy.activities.allocate_storage import AllocateStorage
from tenancy.activities.allocate_workflow_handle import AllocateWorkflowHandle
from tenancy.activities.apply_tenant_schema import ApplyTenantSchema
from tenancy.activities.deploy_workloads import DeployWorkloads
from tenancy.activities.mark_active import MarkActive
from tenancy.activities.validate_request import ValidateRequest
from tenancy.activities.wait_for_workloads_ready import WaitForWorkloadsReady
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import ActivityName
from tenancy.saga.platform import Platform
from tenancy.saga.stalls import OF_TENANTS, Limits
from tenancy.saga.tenant import PlanEntry

PLAN: Final[tuple[Activity, ...]] = (
    ValidateRequest(),
    AllocateStorage(),
    AllocateWorkflowHandle(),
    ApplyTenantSchema(),
    DeployWorkloads(),
    WaitForWorkloadsReady(),
    MarkActive(),
)


def activity_of(name: ActivityName) -> Activity:
    """The activity of this name; PlatformError when PLAN has none."""
    for activity in PLAN:
        if activity.name == name:
            return activity
    raise PlatformError(
        f"This version of Tenancy does not have the activity {name}: run the version that has it.",
        cause=Cause.PLATFORM_VERSION,
    )


def stall_limit(platform: Platform, activity: Activity) -> timedelta:
    """After how long it is stuck: as the platform file says, else as PLAN does."""
    return platform.stall_limits.get(activity.name, activity.stall_after)


def give_up_limit(platform: Platform, activity: Activity) -> timedelta:
    """After how long it is ended: as the platform file says, else as PLAN does."""
    return platform.give_up.get(activity.name, activity.give_up_after)


def limits(platform: Platform) -> Limits:
    """All by which a stall is judged."""
    tenants = {name: platform.stall_limits.get(name, limit) for name, limit in OF_TENANTS.items()}
    return Limits({activity.name: stall_limit(platform, activity) for activity in PLAN}, tenants)


def maker_of(resource_kind: str) -> Activity:
    """The activity that makes, and so undoes, resources of this kind; KeyError when PLAN has none."""
    return {kind: activity for activity in PLAN for kind in activity.resources}[resource_kind]


def plan_entries() -> tuple[PlanEntry, ...]:
    """What an attempt that starts now records as its plan."""
    return tuple(activity.entry for activity in PLAN)
