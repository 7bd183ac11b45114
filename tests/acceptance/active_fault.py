"""A fault for the length of a `with`: set, listed as in effect, and cleared. For tests only."""

from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.faults.client import FaultClient, FaultStatus


@contextmanager
def active_fault(fault_client: FaultClient, kind: str, **options: object) -> Iterator[FaultStatus]:
    made = fault_client.set(kind, **options)
    assert [(each.kind, each.in_effect) for each in fault_client.list()] == [(kind, True)]
    yield made
    assert fault_client.clear(made.id) == [made.id]
