"""Workflow handles that are read and changed only while the expected Airflow answers (system identity).

Wraps an implementation of Handles. The activity allocate_workflow_handle uses it for recorded resources.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tenancy.activities.context import Handles
from tenancy.saga.systems import ExpectedSystem

if TYPE_CHECKING:
    from tenancy.adapters.airflow_api import Handle

LABEL: Final = "the workflow engine"


@dataclass(frozen=True)
class ExpectedHandles:
    """Asks for the engine's identity before each effect and after each absence; OtherSystemError when it differs."""

    engine: Handles
    expected: ExpectedSystem

    def identity(self, *, make: bool = False) -> str:
        return self.engine.identity(make=make)

    def handle(self, name: str) -> "Handle | None":
        found = self.engine.handle(name)
        if found is None:
            self._require_same()
        return found

    def handles(self) -> "Iterable[Handle]":
        return self.engine.handles()

    def create_handle(self, handle: "Handle") -> bool:
        self._require_same()
        return self.engine.create_handle(handle)

    def update_handle(self, handle: "Handle") -> None:
        self._require_same()
        self.engine.update_handle(handle)

    def delete_handle(self, name: str) -> None:
        self._require_same()
        self.engine.delete_handle(name)

    def has_pool(self, name: str) -> bool:
        return self.engine.has_pool(name)

    def _require_same(self) -> None:
        if self.expected.accepted:
            self.expected.require(self.engine.identity(), LABEL)
