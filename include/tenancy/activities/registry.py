"""All installed activities, also those that PLAN no longer has: only the activity that created a resource can observe
and release it."""

from typing import Final

from tenancy.activities.activity import Activity
from tenancy.activities.plan import PLAN, RETIRED
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import ActivityName
from tenancy.saga.tenant import Resource

INSTALLED: Final[tuple[Activity, ...]] = (*PLAN, *RETIRED)


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
    """The activity that releases and observes this resource. PlatformError, naming it, if it is not installed."""
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
