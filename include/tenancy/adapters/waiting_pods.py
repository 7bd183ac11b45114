"""Why the pods of one workload are not ready, the likeliest reason first. Pure; reads the API's documents.

Shared by the rules of all kinds that make pods (readiness_rules/). adapters/pod_reasons.py finds the reason of a single
pod.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenancy.adapters.pod_reasons import (
    PROBE_PENDING,
    PodReason,
    container_reason,
    event_reason,
    refused_pod,
    unschedulable,
)

Document = dict[str, Any]


@dataclass(frozen=True)
class Surroundings:
    """What explains a workload: pods, warnings (oldest first), and why claims are not bound, by the claim's name."""

    pods: Sequence[Document] = ()
    warnings: Sequence[Document] = ()
    unbound: Mapping[str, PodReason] = field(default_factory=dict)


def waiting_pods(pods: Iterable[Document]) -> list[Document]:
    """Those that are not ready, by name, without those that are being deleted."""
    return [pod for pod in sorted(pods, key=name_of) if not is_ready(pod) and not _is_ending(pod)]


def reasons_in_pods(waiting: Sequence[Document], unbound: Mapping[str, PodReason]) -> Iterator[PodReason]:
    """What the pods themselves state, and the volume claims that they wait for."""
    for pod in waiting:
        yield from container_reason(pod)
    for pod in waiting:
        for claim in claims_of(pod):
            if reason := unbound.get(claim):
                yield PodReason(f"its PersistentVolumeClaim {claim} is {reason.sentence}", reason.cause)
    for pod in waiting:
        yield from unschedulable(pod)


def last_warning(warnings: Sequence[Document], waiting: Sequence[Document]) -> Iterator[PodReason]:
    """The last warning about a pod that is not ready."""
    pods = {name_of(pod) for pod in waiting}
    for event in reversed(warnings):
        if (event.get("involvedObject") or {}).get("name") in pods:
            yield event_reason(event)


def refused_pods(owner: Document, warnings: Sequence[Document]) -> Iterator[PodReason]:
    """Pods that their controller could not create. Kinds other than Deployment report it by an event only."""
    for event in reversed(warnings):
        about = event.get("involvedObject") or {}
        is_its_own = (about.get("kind"), about.get("name")) == (owner.get("kind"), name_of(owner))
        if is_its_own and event.get("reason") == "FailedCreate":
            yield refused_pod("FailedCreate", event.get("message", ""))


def probe_pending(waiting: Sequence[Document]) -> Iterator[PodReason]:
    """A container runs and nothing is known to be wrong."""
    if any(phase(pod) == "Running" for pod in waiting):
        yield PodReason(PROBE_PENDING)


def reasons_of(owner: Document, around: Surroundings) -> Iterator[PodReason]:
    """The reasons for a workload whose own document states none."""
    waiting = waiting_pods(around.pods)
    yield from reasons_in_pods(waiting, around.unbound)
    yield from refused_pods(owner, around.warnings)
    yield from last_warning(around.warnings, waiting)
    yield from probe_pending(waiting)


def claims_of(pod: Document) -> Iterator[str]:
    """The names of the PersistentVolumeClaims that it mounts."""
    for volume in (pod.get("spec") or {}).get("volumes") or []:
        if claim := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
            yield str(claim)


def name_of(document: Document) -> str:
    """Its name."""
    return str(document["metadata"]["name"])


def phase(pod: Document) -> str:
    """Pending, Running, Succeeded or Failed."""
    return str((pod.get("status") or {}).get("phase", ""))


def is_ready(pod: Document) -> bool:
    """Its readiness probes succeed."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions_of(pod))


def conditions_of(document: Document) -> Sequence[Document]:
    """The conditions in its status."""
    return (document.get("status") or {}).get("conditions") or []


def _is_ending(pod: Document) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))
