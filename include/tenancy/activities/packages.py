"""Activities of installed packages: the entry points of the group `tenancy.activities`.

A package that cannot be used takes nothing else down: its activities are not installed, and every product or tenant
that needs one of them says why (registry.py).
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final

from tenancy.activities.activity import Activity
from tenancy.saga.names import is_activity_name

GROUP: Final = "tenancy.activities"
RESERVED: Final = frozenset({"database"})
"""`outputs.database` in a values template is not an activity's."""


ANY_NAME: Final = ""
"""The name of an unusable activity when even its name cannot be read."""


@dataclass(frozen=True)
class UnusableActivity:
    """An activity that an installed package or a product's file names and that cannot be used. `problem` is a
    sentence."""

    name: str
    problem: str


def find_entry_points() -> tuple[EntryPoint, ...]:
    """The entry points of all installed packages, by name. Takes 0.02 s of processor time for 226 packages."""
    return tuple(sorted(entry_points(group=GROUP), key=lambda each: (each.name, each.value)))


def load_activities(found: Iterable[EntryPoint], built_in: Collection[Activity]) -> list[Activity | UnusableActivity]:
    """One of each class. The first one of a name or of a kind of resource has it, and built-in ones come before."""
    loaded: list[Activity | UnusableActivity] = []
    for entry_point in found:
        usable = [*built_in, *(each for each in loaded if isinstance(each, Activity))]
        loaded.append(_load(entry_point, usable))
    return loaded


def _load(entry_point: EntryPoint, others: Collection[Activity]) -> Activity | UnusableActivity:
    try:
        activity = _made(entry_point.load())
        problems = [activity] if isinstance(activity, str) else list(_problems(activity, entry_point.name, others))
    except Exception as error:  # noqa: BLE001 - somebody else's module: any
        problems, activity = [f"{type(error).__name__}: {error}"], ""
    if isinstance(activity, Activity) and not problems:
        return activity
    place = f"{_package(entry_point)}, {entry_point.value}"
    return UnusableActivity(entry_point.name, f"cannot be used ({place}): {'; '.join(problems)}")


def _made(loaded: Any) -> Activity | str:
    """The activity, or why there is none."""
    if isinstance(loaded, type) and issubclass(loaded, Activity):
        return loaded()
    return "it must be a class derived from tenancy.activities.activity.Activity"


def _problems(activity: Activity, name: str, others: Collection[Activity]) -> Iterator[str]:
    missing = [each for each in ("name", "label", "short_label", "kind", "stuck_remedy") if not hasattr(activity, each)]
    if missing:
        yield f"the class lacks {', '.join(missing)}"
        return
    if activity.name != name:
        yield f"the entry point is called {name}, and the class {activity.name}: they must be the same"
    if not is_activity_name(name) or name in RESERVED:
        yield "its name must be of a-z, 0-9 and _, begin with a letter, have at most 63 characters, and not be database"
    if any(each.name == name for each in others):
        yield "there is another activity of this name"
    for kind in activity.resources:
        maker = next((each.name for each in others if kind in each.resources), "")
        if maker:
            yield f"{maker} makes resources of the kind {kind} already"
    if activity.resources and not activity.system:
        yield "the class makes resources and lacks system, the kind of system in which they are"


def _package(entry_point: EntryPoint) -> str:
    return f"{entry_point.dist.name} {entry_point.dist.version}" if entry_point.dist else "an unknown package"
