"""The arithmetic of rolling updates, by table and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster_emulator.controllers.rollout import Bounds, Size, next_new_size, next_old_sizes


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "expected"),
    [(4, "25%", "25%", (1, 1)), (2, "25%", "25%", (1, 0)), (10, 3, "0%", (3, 0)), (1, 0, 0, (0, 1))],
)
def test_bounds(replicas: int, surge: object, unavailable: object, expected: tuple[int, int]) -> None:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    bounds = Bounds.of({"replicas": replicas, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}})
    assert (bounds.surge, bounds.unavailable) == expected


def test_recreate_waits_until_the_old_pods_are_gone() -> None:
    bounds = Bounds.of({"replicas": 3, "strategy": {"type": "Recreate"}})
    old = [Size(3, 3, 3)]
    assert next_new_size(bounds, Size(0, 0, 0), old) == 0
    assert next_old_sizes(bounds, Size(0, 0, 0), old) == [0]
    assert next_new_size(bounds, Size(0, 0, 0), [Size(0, 0, 0)]) == 3


def test_broken_old_pods_go_first() -> None:
    bounds = Bounds(2, 1, 0)
    assert next_old_sizes(bounds, Size(1, 1, 1), [Size(2, 2, 0)]) == [1]


@given(
    replicas=st.integers(1, 12),
    surge=st.integers(0, 4),
    unavailable=st.integers(0, 4),
    healthy=st.booleans(),
)
def test_every_rollout_ends_and_keeps_its_bounds(replicas: int, surge: int, unavailable: int, healthy: bool) -> None:
    unavailable = min(unavailable, replicas) or (0 if surge else 1)
    bounds = Bounds(replicas, surge, unavailable)
    new, old = Size(0, 0, 0), Size(replicas, replicas, replicas if healthy else 0)
    for _ in range(4 * replicas + 4):
        desired = next_new_size(bounds, new, [old])
        assert desired + old.desired <= replicas + surge
        new = Size(desired, desired, new.available)  # made, not ready yet
        left = next_old_sizes(bounds, new, [old])[0]
        old = Size(left, left, min(left, old.available))
        if healthy:
            assert new.available + old.available >= replicas - unavailable
        new = Size(desired, desired, desired)  # ready now
    assert (new.desired, old.desired) == (replicas, 0)
