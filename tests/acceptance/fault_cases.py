"""What each fault does to an activity: the error, its cause, and how unwinding ends. Values only."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TenancyError, TransientError

STORAGE, HANDLE, SCHEMA = "allocate_storage", "allocate_workflow_handle", "apply_tenant_schema"
DEPLOY, WAIT = "deploy_workloads", "wait_for_workloads_ready"
REGION = "of region eu-central"


class UnwindingResult(Enum):
    """How unwinding ends under the fault."""

    MEANWHILE = auto()  # succeeds under the fault
    LATER = auto()  # fails at once; Cancel finishes it after the fault
    AFTERWARDS = auto()  # would wait so long that it is tried only after the fault


@dataclass(frozen=True)
class FaultCase:
    """What one fault does to one activity. `cause` is a regular expression."""

    kind: str
    activity: str
    error: type[TenancyError]
    cause: str
    unwinding: UnwindingResult = UnwindingResult.MEANWHILE
    options: dict[str, Any] = field(default_factory=dict)
    within_helm: bool = False
    """The namespace exists already, so that Helm meets the fault."""
    short_timeouts: bool = True
    """Requests time out sooner than in the product."""
    code: Cause = Cause.UNKNOWN
    """The cause that is recorded with the error."""
    reason: str = ""
    """What the readiness wait reports meanwhile; a regular expression."""

    def __str__(self) -> str:
        return f"{self.kind}-{'helm' if self.within_helm else self.activity}"


def not_ready(
    kind: str, reason: str, code: Cause, unwinding: UnwindingResult = UnwindingResult.MEANWHILE, **options: Any
) -> FaultCase:
    message = rf"^Not ready within 20 minutes: 0 of 1 pods ready.*{reason}.*(?<!\.)\.$"
    return FaultCase(kind, WAIT, PermanentError, message, unwinding, options, reason=reason, code=code)


def unanswered(kind: str, cause: str, code: Cause = Cause.CLUSTER_UNREACHABLE, **options: Any) -> FaultCase:
    """A fault of the cluster that our own client meets, before Helm does."""
    message = f"The cluster {REGION} {cause}"
    return FaultCase(kind, DEPLOY, TransientError, message, options=options, code=code)


def within_helm(
    kind: str,
    error: type[TenancyError],
    cause: str,
    unwinding: UnwindingResult = UnwindingResult.AFTERWARDS,
    *,
    code: Cause = Cause.CLUSTER_UNREACHABLE,
    **options: Any,
) -> FaultCase:
    message = f"helm install of f-[-0-9a-f]+ {cause}"
    return FaultCase(kind, DEPLOY, error, message, unwinding, options, within_helm=True, code=code)


CASES = [
    FaultCase(
        "databases-locked", STORAGE, TransientError,
        f"storage {REGION} at .* refused: canceling statement due to lock timeout",
        code=Cause.STORAGE_BLOCKED,
    ),
    FaultCase(
        "no-connection-slots", STORAGE, TransientError,
        f"storage {REGION} at .* accepts no sessions now: .*too many connections for role",
        code=Cause.STORAGE_NO_SLOTS,
    ),
    FaultCase(
        "no-createdb", STORAGE, PlatformError,
        f"storage {REGION} at .* refused: permission denied to create database",
        code=Cause.STORAGE_PERMISSION,
    ),
    FaultCase(
        "disk-full", STORAGE, TransientError,
        f"storage {REGION} at .* refused: could not extend file", code=Cause.STORAGE_DISK_FULL,
    ),
    FaultCase(
        "storage-stopped", STORAGE, TransientError,
        f"storage {REGION} does not respond at .*: connection timeout expired", UnwindingResult.AFTERWARDS,
        code=Cause.STORAGE_UNREACHABLE,
    ),
    FaultCase(
        "handles-locked", HANDLE, TransientError,
        # On a busy machine our client's 10 s may be over before the api-server's answer, which comes after 8 s.
        r"workflow engine (answered 500 to POST /connections: Database error|does not respond at).* a platform matter",
        short_timeouts=False, code=Cause.ENGINE_REFUSES,
    ),
    FaultCase(
        "api-server-stopped", HANDLE, TransientError,
        r"workflow engine does not respond at http://127\S+ \(ReadTimeout.* a platform matter",
        UnwindingResult.AFTERWARDS,
        code=Cause.ENGINE_UNREACHABLE,
    ),
    FaultCase(
        "schema-locked", SCHEMA, TransientError, "migration failed at `create schema .* refused: .* lock timeout",
        code=Cause.STORAGE_BLOCKED,
    ),
    FaultCase(
        "failing-revision", SCHEMA, PermanentError, "migration failed at `create table accounts .*this revision fails",
        code=Cause.SCHEMA_MIGRATION,
    ),
    unanswered("http-500", "answered 500 to POST /api/v1/namespaces: Internal error", Cause.CLUSTER_REFUSES),
    unanswered("http-429", r"answered 429 to POST .* It asks to wait 7 s\.$", Cause.CLUSTER_REFUSES, retry_after=7),
    unanswered("hang", r"does not respond at https://\S+ to POST /api/v1/namespaces \(nothing within 1 s\)"),
    unanswered("refuse", r"does not respond at https://\S+ to POST .*\(Remote end closed connection"),
    unanswered("slow", r"does not respond at https://\S+ to POST .*\(nothing within 1 s\)", milliseconds=1500),
    within_helm(
        "http-500", TransientError, f"in the cluster {REGION} failed: .*Internal error", UnwindingResult.LATER,
        code=Cause.HELM_FAILED, on=["write"],
    ),
    within_helm(
        "refuse", TransientError, f"in the cluster {REGION} failed: .*(EOF|closed network connection)", on=["write"]
    ),
    within_helm("hang", TransientError, "did not end within 1 s: the cluster .* does not respond", on=["write"]),
    within_helm(
        "quota-exceeded", PermanentError, ".* exceeded quota", UnwindingResult.MEANWHILE,
        code=Cause.CLUSTER_QUOTA, resource="services",
    ),
    not_ready("quota-exceeded", "FailedCreate: .* exceeded quota: .*pods=0", Cause.CLUSTER_QUOTA),
    not_ready("image-pull-backoff", "ImagePullBackOff: .*tenant-app", Cause.CLUSTER_IMAGE),
    not_ready("crash-loop-backoff", "CrashLoopBackOff: .*exit code 1", Cause.CLUSTER_CRASH),
    not_ready("unschedulable", "Unschedulable: 0/1 nodes are available", Cause.CLUSTER_UNSCHEDULABLE),
    not_ready("admission-denied", "admission refused: .* denied the request: not here", Cause.CLUSTER_ADMISSION,
              message="not here"),
    not_ready("webhook-down", "webhook does not respond: .* failed calling webhook", Cause.CLUSTER_WEBHOOK),
    within_helm(
        "admission-denied", PermanentError, ".* admission refused: .*conflict: EOF", UnwindingResult.MEANWHILE,
        code=Cause.CLUSTER_ADMISSION, resource="services", message="conflict: EOF",
    ),
    within_helm(
        "webhook-down", TransientError, ".* webhook does not respond: .*", UnwindingResult.MEANWHILE,
        code=Cause.CLUSTER_WEBHOOK, resource="services",
    ),
    not_ready("node-silent", "NodeNotReady: Node is not ready", Cause.CLUSTER_NODE, UnwindingResult.AFTERWARDS),
    not_ready("slow-start", "Unhealthy: Readiness probe failed", Cause.CLUSTER_PROBE, seconds=60),
]  # fmt: skip
HARMLESS: dict[str, dict[str, Any]] = {
    "slow-start": {"seconds": 1},
    "slow": {"milliseconds": 50},
    "ingress-down": {},
}
"""Faults under which no activity fails, with their options."""
ELSEWHERE: dict[str, dict[str, Any]] = {"other-cluster": {}}
"""Faults that lead to another system: a tenant that meets it first belongs there (make chaos DECK=systems)."""
HOLDING: dict[str, tuple[dict[str, Any], str, Cause]] = {
    "forbidden": ({"resource": "resourcequotas", "verb": "get"}, "may not get resourcequotas", Cause.CLUSTER_RIGHTS),
    "router-404": ({}, "404 in a format that is not a Kubernetes API server's", Cause.CLUSTER_REFUSES),
    "login-page": ({}, "200 and no Kubernetes object", Cause.CLUSTER_REFUSES),
}
"""Faults of the platform's account or address, with options, words and cause: the attempt waits until they are over."""
