"""Rules of readiness, one module for each kind, and the one table of them. Pure.

A kind that is not in the table counts as ready when it exists, and a custom resource by its conditions
(release_readiness.py). To add a kind: write its rule, and add a line here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tenancy.adapters.readiness_rules import daemon_set, deployment, job, pod, route, stateful_set, volume_claim
from tenancy.adapters.readiness_rules.rule import ObservedObject, Rule

__all__ = ["RULES", "JudgedKind", "ObservedObject", "Rule"]


@dataclass(frozen=True)
class JudgedKind:
    """A kind whose status decides. `path` is where its objects are in a namespace."""

    path: str
    rule: Rule
    may_be_gone: Callable[[dict[str, Any]], bool] = lambda asked: False  # noqa: ARG005
    """Does it go by itself once it has ended, by its manifest?"""
    is_workload: bool = True
    """Does it run something? A chart needs at least one that does."""


_GATEWAY: Final = "gateway.networking.k8s.io"
_ROUTES: Final = {
    (f"{_GATEWAY}/{version}", kind): JudgedKind(
        f"/apis/{_GATEWAY}/{version}/namespaces/{{}}/{plural}", route.readiness, is_workload=False
    )
    for version, kind, plural in (
        ("v1", "HTTPRoute", "httproutes"),
        ("v1beta1", "HTTPRoute", "httproutes"),
        ("v1", "GRPCRoute", "grpcroutes"),
    )
}

RULES: Final[Mapping[tuple[str, str], JudgedKind]] = {
    ("v1", "PersistentVolumeClaim"): JudgedKind(
        "/api/v1/namespaces/{}/persistentvolumeclaims", volume_claim.readiness, is_workload=False
    ),
    ("apps/v1", "Deployment"): JudgedKind("/apis/apps/v1/namespaces/{}/deployments", deployment.readiness),
    ("apps/v1", "StatefulSet"): JudgedKind("/apis/apps/v1/namespaces/{}/statefulsets", stateful_set.readiness),
    ("apps/v1", "DaemonSet"): JudgedKind("/apis/apps/v1/namespaces/{}/daemonsets", daemon_set.readiness),
    ("batch/v1", "Job"): JudgedKind("/apis/batch/v1/namespaces/{}/jobs", job.readiness, job.may_be_gone),
    ("v1", "Pod"): JudgedKind("/api/v1/namespaces/{}/pods", pod.readiness),
    **_ROUTES,
}
"""(apiVersion, kind) -> its rule. Of two objects that are not ready, that of the earlier kind is named: a claim that is
not bound keeps the pods of the others."""
