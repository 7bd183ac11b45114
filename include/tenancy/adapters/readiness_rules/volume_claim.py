"""When a PersistentVolumeClaim is ready: when it is bound, or waits for a pod that is to use it. Pure.

With `volumeBindingMode: WaitForFirstConsumer` a claim stays pending until a pod that mounts it has a node. The cluster
says so in an event. Whether that pod gets ready is the rule of its own kind.
"""

from collections.abc import Sequence
from typing import Any, Final

from tenancy.adapters.pod_reasons import PodReason, steady_sentence
from tenancy.adapters.readiness_rules.rule import ObservedObject
from tenancy.adapters.waiting_pods import name_of
from tenancy.adapters.workload_readiness import LONGEST, Readiness
from tenancy.saga.causes import Cause

Document = dict[str, Any]

_WAITS_FOR_POD: Final = frozenset({"WaitForFirstConsumer", "WaitForPodScheduled"})
"""Reasons of events (kubernetes/pkg/controller/volume/events)."""


def readiness(observed: ObservedObject) -> Readiness:
    """Ready unless the surroundings say why it is not bound."""
    reason = observed.around.unbound.get(name_of(observed.actual))
    if reason is None:
        phase = observed.status.get("phase")
        return Readiness(ready=True, reason="bound" if phase == "Bound" else "waits for a pod that uses it")
    return Readiness(ready=False, reason=reason.sentence[:LONGEST], cause=reason.cause)


def unbound_reason(claim: Document, events: Sequence[Document]) -> PodReason | None:
    """Why it is not bound; None if it is, or if it waits for its first pod. `events` are those of claims, oldest
    first."""
    phase = (claim.get("status") or {}).get("phase") or "Pending"
    last = next((each for each in reversed(events) if _is_about(each, claim)), {})
    if phase == "Bound" or (phase == "Pending" and last.get("reason") in _WAITS_FOR_POD):
        return None
    event = steady_sentence(last.get("reason", ""), last.get("message", ""))
    return PodReason("; ".join(part for part in (phase.lower(), event) if part), Cause.CLUSTER_VOLUME)


def _is_about(event: Document, claim: Document) -> bool:
    about = event.get("involvedObject") or {}
    return (about.get("kind"), about.get("name")) == ("PersistentVolumeClaim", name_of(claim))
