"""Every installed activity, whatever PLAN has now: what was made is undone and observed by the activity that made it.

PLAN (plan.py) is the order in which new attempts run; an activity that is taken out of it stays here as long as a
tenant may have something that it made. A new activity is one file, its line here, and its place in PLAN.
"""

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
from tenancy.saga.tenant import Resource

INSTALLED: Final[tuple[Activity, ...]] = (
    ValidateRequest(),
    AllocateStorage(),
    AllocateWorkflowHandle(),
    ApplyTenantSchema(),
    DeployWorkloads(),
    WaitForWorkloadsReady(),
    MarkActive(),
)


def find_activity(name: str) -> Activity | None:
    """The installed activity of this name."""
    return next((activity for activity in INSTALLED if activity.name == name), None)


def activity_of(name: ActivityName) -> Activity:
    """The installed activity of this name; PlatformError when there is none."""
    found = find_activity(name)
    if found is None:
        raise PlatformError(
            f"This version of Tenancy does not have the activity {name}: run the version that has it.",
            cause=Cause.PLATFORM_VERSION,
        )
    return found


def find_maker(resource: Resource) -> Activity | None:
    """The installed activity that made this resource; where that was renamed, the one that makes this kind now."""
    named = find_activity(resource.activity)
    if named is not None and resource.kind in named.resources:
        return named
    return next((activity for activity in INSTALLED if resource.kind in activity.resources), None)


def maker_of(resource: Resource) -> Activity:
    """The activity that undoes and observes this resource; PlatformError names it when it is not installed."""
    found = find_maker(resource)
    if found is None:
        raise PlatformError(
            f"The activity {resource.activity}, which made the {resource.kind} {resource.name}, is not installed any "
            "more, so nothing of it was changed. Install the version or package that has it, then cancel or "
            "decommission again; the other resources are released without it.",
            cause=Cause.PLATFORM_VERSION,
        )
    return found


def maker_of_kind(kind: str) -> Activity:
    """The installed activity that makes resources of this kind; KeyError when none does."""
    return {each: activity for activity in INSTALLED for each in activity.resources}[kind]
