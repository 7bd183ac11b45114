"""All installed activities, whether or not the product's plan has them: only the activity that created a resource can
observe and release it.

A new activity is one file and one line here, an entry point of a package (packages.py), or a table of a product's file
(containers.py); and its name in a product's list (docs/extending/adding-an-activity.md). A line or table stays as long
as a tenant may have something that its activity made.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pkgutil import resolve_name
from typing import Final

from tenancy.activities.activity import Activity
from tenancy.activities.container_activity import ContainerActivity, container_activity
from tenancy.activities.containers import container_activities
from tenancy.activities.packages import ANY_NAME, UnusableActivity, find_entry_points, load_activities
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import ActivityName
from tenancy.saga.product import ContainerSpec
from tenancy.saga.tenant import Resource


def _activities(*references: str) -> tuple[Activity, ...]:
    """One of each class, written as in an entry point: `package.module:Class`."""
    return tuple(resolve_name(reference)() for reference in references)


BUILT_IN: Final = _activities(
    "tenancy.activities.validate_request:ValidateRequest",
    "tenancy.activities.allocate_storage:AllocateStorage",
    "tenancy.activities.allocate_workflow_handle:AllocateWorkflowHandle",
    "tenancy.activities.apply_tenant_schema:ApplyTenantSchema",
    "tenancy.activities.deploy_workloads:DeployWorkloads",
    "tenancy.activities.wait_for_workloads_ready:WaitForWorkloadsReady",
    "tenancy.activities.mark_active:MarkActive",
)
"""In the order of a run; pages and metrics list them so."""


def installed() -> tuple[Activity, ...]:
    """Built-in activities, those of installed packages by name, read once in a process, and those of products."""
    return (*_in_every_product(), *_of_products.activities)


def _in_every_product() -> tuple[Activity, ...]:
    return (*BUILT_IN, *(each for each in _of_packages() if isinstance(each, Activity)))


def installed_besides(product: str) -> tuple[Activity, ...]:
    """All activities but the container activities of this product's own file."""
    others = (each for each in _of_products.activities if not _is_of(each, product))
    return (*_in_every_product(), *others)


def _is_of(activity: Activity, product: str) -> bool:
    return isinstance(activity, ContainerActivity) and activity.spec.product == product


@dataclass
class _ProductActivities:
    """What the products' files have, as bootstrap.py read them last."""

    activities: tuple[Activity, ...] = ()
    unusable: tuple[UnusableActivity, ...] = ()
    products: frozenset[tuple[str, str]] = frozenset()
    """Product and name of each activity that a table of it describes."""


_of_products: Final = _ProductActivities()


def install_containers(specs: Iterable[ContainerSpec], broken: Iterable[UnusableActivity] = ()) -> None:
    """Have the container activities of these tables, and no others. `broken`: those of files that cannot be read."""
    known = list(specs)
    usable, unusable = container_activities(known, _in_every_product())
    _of_products.activities, _of_products.unusable = usable, (*unusable, *broken)
    _of_products.products = frozenset((each.product, each.name) for each in known if container_activity(each) in usable)


@cache
def _of_packages() -> tuple[Activity | UnusableActivity, ...]:
    return tuple(load_activities(find_entry_points(), BUILT_IN))


def unusable() -> tuple[UnusableActivity, ...]:
    """Activities that installed packages or products name and that cannot be used."""
    of_packages = (each for each in _of_packages() if isinstance(each, UnusableActivity))
    return (*of_packages, *_of_products.unusable)


def why_not_installed(name: str) -> str:
    """Why there is no activity of this name, as the end of a sentence."""
    broken = (each.problem for each in unusable() if each.name in {name, ANY_NAME})
    return "; ".join(broken) or "is not installed"


def label_of(name: str) -> str:
    """The activity's label; its name if it is not installed any more."""
    found = find_activity(name)
    return found.label if found else name


def find_activity(name: str) -> Activity | None:
    """The installed activity of this name."""
    return next((activity for activity in installed() if activity.name == name), None)


def activity_of(name: ActivityName) -> Activity:
    """The installed activity of this name; PlatformError when there is none."""
    found = find_activity(name)
    if found is None:
        raise PlatformError(
            f"The activity {name} {why_not_installed(name)}. Install the version of Tenancy, or of the package, that "
            "has it, or put its table back into the product's file.",
            cause=Cause.PLATFORM_VERSION,
        )
    return found


def find_maker(resource: Resource, product: str) -> Activity | None:
    """The installed activity that made this resource of a tenant of this product; where a built-in one was renamed, the
    one that makes this kind now.

    A container activity is its own product's: another one's image, of the same name or for the same kind, asks another
    system, and would truthfully say that the object is not there.
    """
    named = find_activity(resource.activity)
    if named is not None and resource.kind in named.resources:
        ours = not isinstance(named, ContainerActivity) or (product, named.name) in _of_products.products
        return named if ours else None
    built_in = (activity for activity in installed() if activity in BUILT_IN)
    return next((activity for activity in built_in if resource.kind in activity.resources), None)


def maker_of(resource: Resource, product: str) -> Activity:
    """The activity that releases and observes this resource. PlatformError, naming it, if it is not installed."""
    found = find_maker(resource, product)
    if found is None:
        raise PlatformError(
            f"The activity {resource.activity}, which made the {resource.kind} {resource.name}, "
            f"{why_not_installed(resource.activity)}, so nothing of it was changed. Install the version or package "
            "that has it, or put its table back into the product's file, then cancel or decommission again; the other "
            "resources are released without it.",
            cause=Cause.PLATFORM_VERSION,
        )
    return found


def maker_of_kind(kind: str) -> Activity:
    """The installed activity that makes resources of this kind; KeyError when none does."""
    return {each: activity for activity in installed() for each in activity.resources}[kind]
