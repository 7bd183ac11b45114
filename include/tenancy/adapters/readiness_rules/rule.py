"""What a rule of readiness gets. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tenancy.adapters.waiting_pods import Surroundings
from tenancy.adapters.workload_readiness import Readiness

Document = dict[str, Any]


@dataclass(frozen=True)
class ObservedObject:
    """One object of a release: its manifest, the live object, and what is around it. `around.pods` are its own pods."""

    asked: Document
    actual: Document
    around: Surroundings = field(default_factory=Surroundings)

    @property
    def spec(self) -> Document:
        """The live specification."""
        return self.actual.get("spec") or {}

    @property
    def status(self) -> Document:
        """The live status."""
        return self.actual.get("status") or {}

    @property
    def replicas(self) -> int:
        """The chart's replicas. A chart that states none leaves them to an autoscaler."""
        asked = (self.asked.get("spec") or {}).get("replicas")
        return int(self.spec.get("replicas", 1) if asked is None else asked)


Rule = Callable[[ObservedObject], Readiness]
