"""The health of a cluster: whether its API responds, its nodes are ready, and its nodes take our pods. Reads only."""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tenancy.adapters.kubernetes_api import Document, KubernetesApi
from tenancy.saga.errors import PermanentError, PlatformError

if TYPE_CHECKING:
    from kubernetes.client import Configuration

CHECK_SECONDS: Final = 2.0
SLOW_SECONDS: Final = 1.0
"""Seconds. An API that takes longer to return its version is asked nothing else."""
_OURS: Final = "app.kubernetes.io/part-of=tenancy"


@dataclass(frozen=True)
class ClusterStatus:
    """A cluster. None means that our account may not see it, or that it was not asked for."""

    version: str
    answer_seconds: float
    nodes: int | None = None
    nodes_ready: int | None = None
    pending: int | None = None
    """Our pods that have not started."""
    unschedulable: tuple[str, ...] = ()
    """Those of them that no node takes: namespace/name."""
    scheduler_message: str = ""
    """The scheduler's message about the first of them."""

    @property
    def slow(self) -> bool:
        """Does its API take long to respond? Then it was asked for nothing else."""
        return self.answer_seconds > SLOW_SECONDS


def check_cluster(configuration: "Configuration", label: str) -> ClusterStatus:
    """The cluster's present state. TransientError or PermanentError if its API does not serve us."""
    api = KubernetesApi(configuration, label, read_seconds=CHECK_SECONDS)
    try:
        return _check(api)
    finally:
        api.close()


def _check(api: KubernetesApi) -> ClusterStatus:
    began = time.monotonic()
    version = str((api.get("/version") or {}).get("gitVersion", ""))
    status = ClusterStatus(version, took := time.monotonic() - began)
    if status.slow:
        return status
    (nodes, ready), (pending, unschedulable, message) = _nodes(api), _pods(api)
    return ClusterStatus(version, took, nodes, ready, pending, unschedulable, message)


def _nodes(api: KubernetesApi) -> tuple[int | None, int | None]:
    """The number of nodes and of ready nodes. Reading nodes is a separate right, which few accounts have."""
    with suppress(PermanentError, PlatformError):
        nodes = api.list_objects("/api/v1/nodes")
        return (len(nodes), sum(map(_is_ready, nodes))) if nodes else (None, None)
    return None, None


def _pods(api: KubernetesApi) -> tuple[int | None, tuple[str, ...], str]:
    with suppress(PermanentError, PlatformError):
        return pending_pods(api.list_objects("/api/v1/pods", _OURS, "status.phase=Pending"))
    return None, (), ""


def pending_pods(pods: Iterable[Document]) -> tuple[int, tuple[str, ...], str]:
    """The number of waiting pods, those that no node takes, and the message about the first of these. Pure."""
    pending = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    stuck = [(pod, message) for pod in pending if (message := _unschedulable(pod)) is not None]
    names = tuple(f"{pod['metadata']['namespace']}/{pod['metadata']['name']}" for pod, _ in stuck)
    return len(pending), names, stuck[0][1] if stuck else ""


def _unschedulable(pod: Document) -> str | None:
    condition = _condition(pod, "PodScheduled")
    if condition.get("status") == "False" and condition.get("reason") == "Unschedulable":
        return str(condition.get("message") or "")
    return None


def _is_ready(node: Document) -> bool:
    return _condition(node, "Ready").get("status") == "True"


def _condition(document: Document, kind: str) -> dict[str, Any]:
    conditions = (document.get("status") or {}).get("conditions") or []
    return next((each for each in conditions if each.get("type") == kind), {})
