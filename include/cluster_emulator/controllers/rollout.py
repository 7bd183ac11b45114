"""The arithmetic of a rolling update: how many pods the new and the old ReplicaSets may have next.

Pure; `deployments.py` asks it at every step. The rules are those of the Deployment controller: never more than
replicas + maxSurge pods, never fewer than replicas - maxUnavailable available ones.
"""

import math
from dataclasses import dataclass

from cluster_emulator.objects import Json, Object


@dataclass(frozen=True, slots=True)
class Size:
    """One ReplicaSet: how many pods it should have, has, and has available."""

    desired: int
    actual: int
    available: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """The numbers that the strategy allows around the desired number."""

    replicas: int
    surge: int
    unavailable: int
    recreate: bool = False

    @classmethod
    def of(cls, spec: Object) -> "Bounds":
        replicas, strategy = spec["replicas"], spec["strategy"]
        if strategy["type"] == "Recreate":
            return cls(replicas, 0, replicas, recreate=True)
        rolling = strategy.get("rollingUpdate") or {}
        surge = math.ceil(_share(rolling.get("maxSurge", "25%"), replicas))
        unavailable = math.floor(_share(rolling.get("maxUnavailable", "25%"), replicas))
        if not surge and not unavailable:
            unavailable = 1  # otherwise nothing could ever move; the real controller does the same
        return cls(replicas, surge, unavailable)


def _share(value: Json, replicas: int) -> float:
    if isinstance(value, str) and value.endswith("%"):
        return replicas * int(value[:-1]) / 100
    return float(value)


def next_new_size(bounds: Bounds, new: Size, old: list[Size]) -> int:
    """How many pods the new ReplicaSet should have now."""
    if bounds.recreate:
        return bounds.replicas if not any(size.actual for size in old) else new.desired
    if new.desired >= bounds.replicas:
        return bounds.replicas
    total = new.desired + sum(size.desired for size in old)
    room = bounds.replicas + bounds.surge - total
    return min(bounds.replicas, new.desired + max(0, room))


def next_old_sizes(bounds: Bounds, new: Size, old: list[Size]) -> list[int]:
    """How many pods each old ReplicaSet should have now: unhealthy ones go first, then as many as may be missed."""
    if bounds.recreate:
        return [0 for _ in old]
    least = bounds.replicas - bounds.unavailable
    total = new.desired + sum(size.desired for size in old)
    removable = total - least - (new.desired - new.available)
    sizes = [size.desired for size in old]
    for i, size in enumerate(old):
        unhealthy = min(sizes[i] - size.available, removable)
        if unhealthy > 0:
            sizes[i] -= unhealthy
            removable -= unhealthy
    spare = new.available + sum(min(w, s.available) for w, s in zip(sizes, old, strict=True)) - least
    for i, desired in enumerate(sizes):
        gone = max(0, min(desired, spare))
        sizes[i] -= gone
        spare -= gone
    return sizes
