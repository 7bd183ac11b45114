"""Why a namespace that is being deleted still exists, as one sentence with its cause. Pure; reads the API's documents.

The namespace controller begins 5 s after the deletion, waits for the pods' grace period, and reports what remains in
the namespace's conditions (kube-controller-manager, pkg/controller/namespace/deletion). It does not report pods that
remain because their node does not respond.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tenancy.saga.causes import Cause

Document = dict[str, Any]

NOT_BEGUN: Final = "the cluster has not begun yet to delete what is in it"
_NOTHING_LEFT: Final = "nothing is reported to remain in it"
_OVERDUE: Final = timedelta(seconds=10)
"""Seconds. A kubelet removes a pod within its grace period, which `deletionTimestamp` includes. This much later, it
does not respond."""
_CONTROLLERS: Final = "kubernetes"
"""The finalizer in a namespace's `spec` that the namespace controller itself removes last."""


@dataclass(frozen=True)
class DeletionStatus:
    """Why it still exists. `raw` has the observations by name."""

    sentence: str
    cause: Cause = Cause.CLUSTER_ENDING
    raw: Mapping[str, str] = field(default_factory=dict)


def deletion_status(namespace: Document, pods: Sequence[Document] = (), now: datetime | None = None) -> DeletionStatus:
    """The likeliest reason. Without `now` no pod counts as overdue."""
    silent = _silent_nodes(pods, now) if now else ""
    if silent:
        return DeletionStatus(silent, Cause.CLUSTER_NODE, _raw(namespace))
    reasons = [*_conditions(namespace), *_held_pods(pods), *_own_finalizers(namespace)]
    if not reasons:
        reasons = [_NOTHING_LEFT if _has_begun(namespace) else NOT_BEGUN]
    return DeletionStatus("; ".join(reasons), raw=_raw(namespace))


def _has_begun(namespace: Document) -> bool:
    return bool((namespace.get("status") or {}).get("conditions"))


def _conditions(namespace: Document) -> list[str]:
    conditions = (namespace.get("status") or {}).get("conditions") or []
    messages = [str(c.get("message", "")).rstrip(".") for c in conditions if c["status"] == "True"]
    return [text for text in messages if text]


def _own_finalizers(namespace: Document) -> list[str]:
    spec = [name for name in (namespace.get("spec") or {}).get("finalizers") or [] if name != _CONTROLLERS]
    held = [*(namespace["metadata"].get("finalizers") or []), *spec]
    return [f"the namespace itself is held by {', '.join(held)}"] if held else []


def _held_pods(pods: Iterable[Document]) -> list[str]:
    held = [pod for pod in pods if pod["metadata"].get("finalizers")]
    return [f"the pod {pod['metadata']['name']} is held by {', '.join(pod['metadata']['finalizers'])}" for pod in held]


def _silent_nodes(pods: Iterable[Document], now: datetime) -> str:
    overdue = [pod for pod in pods if _is_overdue(pod, now)]
    if not overdue:
        return ""
    names = ", ".join(sorted(pod["metadata"]["name"] for pod in overdue))
    nodes = ", ".join(sorted({pod["spec"]["nodeName"] for pod in overdue}))
    several = len(overdue) > 1
    return (
        f"the pod{'s' if several else ''} {names} remain{'' if several else 's'} because the node {nodes} does not "
        "respond: its kubelet has not ended what was deleted"
    )


def _is_overdue(pod: Document, now: datetime) -> bool:
    metadata = pod["metadata"]
    due = metadata.get("deletionTimestamp")
    if not due or metadata.get("finalizers") or not (pod.get("spec") or {}).get("nodeName"):
        return False
    return now > datetime.strptime(due, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC) + _OVERDUE


def _raw(namespace: Document) -> Mapping[str, str]:
    conditions = (namespace.get("status") or {}).get("conditions") or []
    return {str(c["type"]): str(c.get("message", "")) for c in conditions if c["status"] == "True"}
