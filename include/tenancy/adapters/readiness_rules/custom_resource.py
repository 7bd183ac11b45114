"""When a custom resource is ready. Pure.

Its schema is not known here. By convention its controller reports the condition Ready or Available; one without any
conditions counts as ready once it exists.
"""

from typing import Final

from tenancy.adapters.pod_reasons import PodReason
from tenancy.adapters.readiness_rules.rule import ObservedObject
from tenancy.adapters.waiting_pods import conditions_of
from tenancy.adapters.workload_readiness import Readiness, unready

_DECIDES: Final = ("Ready", "Available")


def readiness(observed: ObservedObject) -> Readiness:
    """Ready when Ready or Available is True for the newest specification, or when there are no conditions."""
    conditions = conditions_of(observed.actual)
    if not conditions:
        return Readiness(ready=True, reason="exists")
    behind = observed.status.get("observedGeneration")
    if behind is not None and behind < observed.actual["metadata"].get("generation", 1):
        return Readiness(ready=False, reason="its controller has not acted on its newest specification yet")
    found = [c for kind in _DECIDES for c in conditions if c.get("type") == kind]
    if any(c.get("status") == "True" for c in found):
        return Readiness(ready=True, reason="ready")
    sentences = [": ".join(part for part in (c.get("reason"), c.get("message")) if part) for c in found]
    return unready("not ready", next((PodReason(words) for words in sentences if words), None))
