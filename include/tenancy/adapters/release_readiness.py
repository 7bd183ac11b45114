"""Whether all objects of a release are ready, and of those that are not, which one and why. Pure.

release_objects.py reads the objects; readiness_rules/ has a rule for each kind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from tenancy.adapters.readiness_rules import RULES, ObservedObject, custom_resource, deployment
from tenancy.adapters.waiting_pods import Surroundings, name_of
from tenancy.adapters.workload_readiness import LONGEST, Readiness, Workload, readiness
from tenancy.saga.causes import Cause

Document = dict[str, Any]

_ORDER: Final = {key: number for number, key in enumerate(RULES)}
_MAIN: Final = ("apps/v1", "Deployment")


@dataclass(frozen=True)
class ReleaseObject:
    """An object whose status decides: its manifest, and the live object if it exists."""

    asked: Document
    actual: Document | None
    around: Surroundings = field(default_factory=Surroundings)

    @property
    def key(self) -> tuple[str, str]:
        """apiVersion and kind."""
        return str(self.asked["apiVersion"]), str(self.asked["kind"])


def release_readiness(objects: Sequence[ReleaseObject], release: str, replicas: int) -> Readiness:
    """Ready if all are. `replicas` is the plan's number, for the Deployment with the release's name."""
    if not objects:
        return Readiness(ready=False, reason="the release has no workload")
    judged = [(each, _judge(each, release, replicas)) for each in objects]
    waiting = [(each, found) for each, found in judged if not found.ready]
    if not waiting:
        alone = len(judged) == 1
        return judged[0][1] if alone else Readiness(ready=True, reason=f"all {len(judged)} workloads are ready")
    first, found = min(waiting, key=_rank)
    if len(objects) == 1 and _is_main(first, release):
        return found if first.actual else readiness(Workload(None), replicas)
    named = f"{first.key[1]} {name_of(first.asked)}"
    separator = " " if found.final or first.actual is None else ": "
    return replace(found, reason=f"{named}{separator}{found.reason}"[:LONGEST])


def _judge(each: ReleaseObject, release: str, replicas: int) -> Readiness:
    kind = RULES.get(each.key)
    if each.actual is None:
        gone = kind is not None and kind.may_be_gone(each.asked)
        return Readiness(ready=gone, reason="has ended and is gone" if gone else "does not exist")
    observed = ObservedObject(each.asked, each.actual, each.around)
    if _is_main(each, release):
        return deployment.with_replicas(observed, replicas)
    return kind.rule(observed) if kind else custom_resource.readiness(observed)


def _is_main(each: ReleaseObject, release: str) -> bool:
    """The plan decides how many pods it has."""
    return each.key == _MAIN and name_of(each.asked) == release


def _rank(waiting: tuple[ReleaseObject, Readiness]) -> tuple[bool, bool, int]:
    """What can never be ready comes first, then what has a known cause, then by kind."""
    each, found = waiting
    return not found.final, found.cause is Cause.UNKNOWN, _ORDER.get(each.key, len(_ORDER))
