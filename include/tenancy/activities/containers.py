"""The container activities of products' files: which of them can be used beside all others."""

from collections.abc import Collection, Iterable, Iterator

from tenancy.activities.activity import Activity
from tenancy.activities.container_activity import container_activity
from tenancy.activities.packages import RESERVED, UnusableActivity
from tenancy.saga.product import ContainerSpec


def container_activities(
    specs: Iterable[ContainerSpec], others: Collection[Activity]
) -> tuple[tuple[Activity, ...], tuple[UnusableActivity, ...]]:
    """The usable and the unusable ones. The first one of a name or of a kind of resource has it; two products may have
    the same table."""
    usable: list[Activity] = []
    unusable: list[UnusableActivity] = []
    for spec in specs:
        activity = container_activity(spec)
        if activity in usable:
            continue
        problems = list(container_problems(spec, [*others, *usable]))
        if problems:
            place = f"{spec.product}/product.toml, container_activities.{spec.name}"
            unusable.append(UnusableActivity(spec.name, f"cannot be used ({place}): {'; '.join(problems)}"))
        else:
            usable.append(activity)
    return tuple(usable), tuple(unusable)


def container_problems(spec: ContainerSpec, others: Iterable[Activity]) -> Iterator[str]:
    """Why it cannot be used beside the others."""
    if spec.name in RESERVED:
        yield f"the name {spec.name} is reserved"
    for other in others:
        if other.name == spec.name and other is not container_activity(spec):
            yield "there is another activity of this name"
        elif other.name != spec.name and spec.resource in other.resources:
            yield f"{other.name} makes resources of the kind {spec.resource} already"
