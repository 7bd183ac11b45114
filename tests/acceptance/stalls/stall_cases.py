"""The stalls: by which fault, where, for which cause, and what is advised. Values only."""

from dataclasses import dataclass, field
from typing import Any, Final

VALIDATE, STORAGE, HANDLE = "validate_request", "allocate_storage", "allocate_workflow_handle"
SCHEMA, DEPLOY, WAIT, MARK = "apply_tenant_schema", "deploy_workloads", "wait_for_workloads_ready", "mark_active"
LIMITS: Final = {
    **dict.fromkeys((VALIDATE, STORAGE, HANDLE, DEPLOY, MARK), 8),
    WAIT: 12,
    "provisioning": 15,
    "in_between": 10,
    "failed": 8,
}
"""Seconds. Applying the schema keeps its five minutes, so that provisioning as a whole is over its time first."""
GIVEN_UP: Final = {STORAGE: 12, HANDLE: 30, SCHEMA: 25, DEPLOY: 60}
"""Seconds after which an activity that a system keeps from going on has failed."""
ESCALATE: Final = "Escalate for a cluster-level investigation"
RESET: Final = "[Rr]eset, then retry"


@dataclass(frozen=True)
class StallCase:
    """One stall by a real fault. `advice` is a regular expression; `kinds` and `causes` list what is possible."""

    fault: str
    at: str | None
    """The activity; None for a stall that is none of an activity's."""
    causes: tuple[str, ...]
    advice: str
    kinds: tuple[str, ...] = ("activity",)
    options: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return f"{self.fault}-{self.causes[0]}"


def _fails(fault: str, cause: str, advice: str, **options: Any) -> StallCase:
    """The attempt fails and is unwound, and no operator acts."""
    return StallCase(fault, None, (cause,), f"{advice}.* {RESET}", ("untouched",), options)


_WELL_NOW: Final = "(Check first that the cluster is healthy|whose health check finds it healthy now)"
"""Only this tenant's writes fail, and the health check writes nothing."""
_FOUND_BY_HEALTH: Final = "(Check first that the storage|finds it healthy now"
OF_ONE: Final = (
    StallCase("image-pull-backoff", WAIT, ("cluster.image",), f"Check that the image exists.*{ESCALATE}"),
    StallCase("crash-loop-backoff", WAIT, ("cluster.crash",), f"Read the container's log.*{ESCALATE}"),
    StallCase("unschedulable", WAIT, ("cluster.unschedulable",), "no node accepts the pod.*so escalate"),
    StallCase("quota-exceeded", WAIT, ("cluster.quota",), f"quota compared with the plan.*{ESCALATE}"),
    StallCase(
        "slow-start", WAIT, ("cluster.probe",), f"health check can succeed.*{ESCALATE}", options={"seconds": 600}
    ),
    _fails("failing-revision", "schema.migration", "Read the error log: it has the statement that failed"),
    _fails("http-500", "cluster.refuses", _WELL_NOW, on=["write"]),
    _fails("http-429", "cluster.refuses", _WELL_NOW, on=["write"]),
    _fails("refuse", "cluster.unreachable", _WELL_NOW, on=["write"]),
    # Its tries are used up in less than a minute.
    StallCase(
        "schema-locked", SCHEMA, ("storage.blocked",), "End the session that blocks it",
        kinds=("provisioning", "untouched"),
    ),
)  # fmt: skip
"""Faults of one tenant, set before it is asked for."""
PENDING: Final = StallCase(
    "helm hangs", DEPLOY, ("helm.pending",), "repairs the release by itself.*Cancel provisioning"
)
HUNG: Final = StallCase(
    "hang", None, ("cluster.unreachable", "unknown"), "Tenants continue when it answers|cancel again", ("in between",)
)
"""Being undone. It is not given up, and continues by itself. Only its writes hang, so the health check refutes that the
cluster is unreachable."""
# It is tried again and again, then says that it cannot.
REFUSED: Final = StallCase("http-500", None, ("helm.failed", "cluster.refuses"), "Compensations ran out", ("undoing",))
NO_POOL: Final = StallCase("pool missing", HANDLE, ("engine.no_pool",), "Have the plan's pool created in Airflow")
"""The platform's fault: the tenant is held, and continues by itself."""
OF_ALL: Final = (
    _fails("no-connection-slots", "storage.no_slots", _FOUND_BY_HEALTH + "|idle sessions of the storage)"),
    _fails("databases-locked", "storage.blocked", "End the session that blocks it"),
    _fails("disk-full", "storage.disk_full", "space freed on the storage server"),
)
"""Faults of the platform under which an attempt fails: each is over when its tenant has failed."""
SILENT: Final = (
    StallCase("no-createdb", STORAGE, ("storage.permission",), "Have the statement in the error"),
    StallCase(
        "handles-locked", HANDLE, ("engine.refuses", "engine.unreachable"),
        "Escalate, and quote the workflow engine's error",
        ("activity", "untouched"),
    ),
    StallCase(
        "storage-stopped", STORAGE, ("storage.unreachable",), "Have the region's storage server checked",
        ("activity", "in between"),
    ),
)  # fmt: skip
"""Faults of the platform under which an attempt hangs from try to try, until it has failed or the fault is over."""
