"""The plan of a product: its activities, in order, and the time limits of all installed ones.

DAG and attempts follow the plan. Compensation and observation do not: they follow the recorded resources and
registry.py, so that they still work for attempts with an older plan.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Final

from tenancy.activities.activity import Activity
from tenancy.activities.container_activity import container_activity
from tenancy.activities.containers import container_problems
from tenancy.activities.registry import (
    activity_of,
    find_activity,
    installed,
    installed_besides,
    why_not_installed,
)
from tenancy.adapters.product_error import product_error
from tenancy.saga.attempt_values import PlanEntry
from tenancy.saga.names import ActivityName
from tenancy.saga.outputs import Outputs
from tenancy.saga.platform import Platform
from tenancy.saga.product import ContainerSpec, Product
from tenancy.saga.stalls import TENANT_LIMITS, Limits
from tenancy.saga.states import ActivityKind

FIRST: Final = "validate_request"
"""The activity that admits a run's request."""
SCHEMA_ACTIVITY: Final = ActivityName("apply_tenant_schema")
_AFTER_A_JOB_MINUTES: Final = 1
"""The cluster ends a Job first; then there is a reason to record."""
LAST: Final = "mark_active"
"""The activity that observes everything once more; its completion makes the tenant Active."""


def plan_of(product: Product) -> tuple[Activity, ...]:
    """The product's activities, in order. PlatformError if one is not installed."""
    own = _own(product.containers)
    return tuple(own.get(name) or activity_of(name) for name in product.activities)


def example_outputs(plan: Iterable[Activity]) -> dict[ActivityName, Outputs]:
    """An example of what each activity with outputs returns."""
    return {activity.name: activity.example_outputs for activity in plan if activity.example_outputs}


def _own(containers: Iterable[ContainerSpec]) -> dict[str, Activity]:
    return {spec.name: container_activity(spec) for spec in containers}


def plan_entries(product: Product) -> tuple[PlanEntry, ...]:
    """What an attempt that starts now records as its plan."""
    return tuple(activity.entry for activity in plan_of(product))


def require_fits_platform(product: Product, platform: Platform) -> Product:
    """The product. ProductFileError when it needs what the platform file does not have."""
    wrong = [*_unknown_plans(product, platform), *_too_long_migrations(product, platform)]
    if wrong:
        raise product_error(product.folder, [f"product.toml: {problem}" for problem in wrong])
    return product


def _unknown_plans(product: Product, platform: Platform) -> Iterator[str]:
    there = ", ".join(platform.plans)
    unknown = (name for name in product.plans if name not in platform.plans)
    yield from (f"plans: the platform file has no plan {name} (there are: {there})" for name in unknown)


def _too_long_migrations(product: Product, platform: Platform) -> Iterator[str]:
    """A Job that may take longer than its activity would be abandoned, and its database dropped under it."""
    if product.migration_job is None:
        return
    needed, name = product.migration_job.timeout_minutes + _AFTER_A_JOB_MINUTES, SCHEMA_ACTIVITY
    most = give_up_limit(platform, activity_of(name)).total_seconds() / 60
    if needed > most:
        yield (
            f"migrations.job.timeout_minutes: {name} may take {most:g} minutes, and {needed:g} are needed: state "
            f"{name} = {needed:g} in the platform file, [give_up_minutes] and [stall_limits_minutes]"
        )


def plan_problems(names: Sequence[str], containers: Sequence[ContainerSpec] = ()) -> Iterator[str]:
    """Why a product must not have these activities in this order, one sentence each; none if it may.

    `containers`: the container activities of the product's own file.
    """
    own = _own(containers)
    unknown = [name for name in names if name not in own and find_activity(name) is None]
    there = ", ".join(dict.fromkeys([*(activity.name for activity in installed()), *own]))
    yield from (f"{name} {why_not_installed(name)} (installed are: {there})" for name in dict.fromkeys(unknown))
    for spec in containers:
        problems = container_problems(spec, installed_besides(spec.product))
        yield from (f"{spec.name}: {problem}" for problem in problems)
    yield from (f"{name} is there twice" for name in dict.fromkeys(names) if names.count(name) > 1)
    plan = [activity for name in names if (activity := own.get(name) or find_activity(name)) is not None]
    if not unknown:
        yield from _wrong_ends(plan)
        yield from _wrong_kinds(plan)
    yield from _missing_requirements(plan)
    yield from _made_twice(plan)


def _wrong_ends(plan: Sequence[Activity]) -> Iterator[str]:
    if plan[0].name != FIRST:
        yield f"{FIRST} must come first: it reserves the slug"
    if plan[-1].name != LAST:
        yield f"{LAST} must come last: it makes the tenant Active"


def _wrong_kinds(plan: Sequence[Activity]) -> Iterator[str]:
    pivots = [number for number, activity in enumerate(plan) if activity.kind is ActivityKind.PIVOT]
    if len(pivots) != 1:
        named = ", ".join(activity.name for activity in installed() if activity.kind is ActivityKind.PIVOT)
        yield f"there must be one pivot ({named}), and there are {len(pivots)}"
        return
    pivot = plan[pivots[0]].name
    for activity in plan[: pivots[0]]:
        if activity.kind not in {ActivityKind.CHECK, ActivityKind.COMPENSATABLE}:
            yield f"{activity.name} is {activity.kind} and must come after the pivot {pivot}"
    for activity in plan[pivots[0] + 1 :]:
        if activity.kind is not ActivityKind.RETRIABLE:
            yield f"{activity.name} is {activity.kind} and must come before the pivot {pivot}"


def _missing_requirements(plan: Sequence[Activity]) -> Iterator[str]:
    for number, activity in enumerate(plan):
        before = {each.name for each in plan[:number]}
        missing = [name for name in activity.requires if name not in before]
        yield from (f"{activity.name} needs {name} before it" for name in missing)


def _made_twice(plan: Sequence[Activity]) -> Iterator[str]:
    maker: dict[str, Activity] = {}
    for activity in dict.fromkeys(plan):
        for kind in activity.resources:
            first = maker.setdefault(kind, activity)
            if first is not activity:
                yield f"{first.name} and {activity.name} both make resources of the kind {kind}"


def stall_limit(platform: Platform, activity: Activity) -> timedelta:
    """After how long it is stalled: from the platform file, else the activity's own value."""
    return platform.stall_limits.get(activity.name, activity.stall_after)


def give_up_limit(platform: Platform, activity: Activity) -> timedelta:
    """After how long it is ended: from the platform file, else the activity's own value."""
    return platform.give_up.get(activity.name, activity.give_up_after)


def limits(platform: Platform) -> Limits:
    """All time limits that define a stall."""
    tenants = {name: platform.stall_limits.get(name, limit) for name, limit in TENANT_LIMITS.items()}
    return Limits({activity.name: stall_limit(platform, activity) for activity in installed()}, tenants)
