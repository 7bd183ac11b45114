"""Sets a fault, checks that it is in effect, and clears it at the end of the `with`."""

from collections.abc import Iterator
from contextlib import contextmanager

from sandbox.faults.client import FaultClient, FaultStatus


@contextmanager
def active_fault(fault_client: FaultClient, kind: str, **options: object) -> Iterator[FaultStatus]:
    made = fault_client.set(kind, **options)
    assert [(each.kind, each.in_effect) for each in fault_client.list()] == [(kind, True)]
    yield made
    assert fault_client.clear(made.id) == [made.id]
