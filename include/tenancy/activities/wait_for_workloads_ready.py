"""Wait for workloads ready: creates nothing, waits until each workload of the release is ready, and reports why not."""

from datetime import timedelta

from tenancy.activities.activity import WaitingActivity, WatchedNamespace
from tenancy.activities.context import ActivityContext
from tenancy.activities.deploy_workloads import DeployWorkloads, cluster_of
from tenancy.activities.tenant_release import NAMESPACE, RELEASE, workload_name
from tenancy.adapters.workload_readiness import Readiness
from tenancy.saga.advice import Remedy
from tenancy.saga.errors import PermanentError
from tenancy.saga.names import ActivityName
from tenancy.saga.states import ActivityKind
from tenancy.saga.system_status import CLUSTER


class WaitForWorkloadsReady(WaitingActivity):
    """The pivot: once the tenant's workloads answer, the saga only goes forward."""

    name = ActivityName("wait_for_workloads_ready")
    label = "Wait for workloads ready"
    short_label = "wait for ready"
    kind = ActivityKind.PIVOT
    systems = (CLUSTER,)
    requires = (DeployWorkloads.name,)
    stuck_remedy = Remedy(
        "Escalate for a cluster-level investigation, while its pods can still be examined.",
        "escalate",
        "Its pods can still be examined until it fails.",
    )
    stall_after = timedelta(minutes=10)
    give_up_after = timedelta(minutes=20)
    """Stalled after the runbook's 10 minutes; 10 more in which an operator can examine the pods before they are
    deleted."""

    def readiness(self, context: ActivityContext) -> Readiness:
        release, namespace = (
            context.name_of(RELEASE, workload_name(context)),
            context.name_of(NAMESPACE, workload_name(context)),
        )
        found = cluster_of(context).readiness(release, namespace, context.plan.replicas)
        if found.final:
            raise PermanentError(f"{found.reason.rstrip('.')}.", cause=found.cause)
        return found

    def watched_namespace(self, context: ActivityContext) -> WatchedNamespace:
        namespace = context.recorded(NAMESPACE)
        connection = (namespace and namespace.connection) or context.region.cluster_connection
        return WatchedNamespace(connection, context.name_of(NAMESPACE, workload_name(context)))
