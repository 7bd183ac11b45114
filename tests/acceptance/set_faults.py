"""A fault for the length of a `with`: set, listed as in effect, and cleared. For tests only."""

from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.faults.desk import Desk, Listed


@contextmanager
def fault(desk: Desk, kind: str, **options: object) -> Iterator[Listed]:
    made = desk.set(kind, **options)
    assert [(each.kind, each.in_effect) for each in desk.list()] == [(kind, True)]
    yield made
    assert desk.clear(made.id) == [made.id]
