"""Wait for workloads ready: makes nothing, looks until every pod of the release is available, and says why not yet."""

from datetime import timedelta

from tenancy.activities.activity import Bell, WaitingActivity, Work
from tenancy.activities.deploy_workloads import NAMESPACE, RELEASE, cluster_of, workload_name
from tenancy.adapters.readiness import Readiness, readiness
from tenancy.saga.names import ActivityName
from tenancy.saga.states import Kind


class WaitForWorkloadsReady(WaitingActivity):
    """The pivot: once the tenant's workloads answer, the saga only goes forward."""

    name = ActivityName("wait_for_workloads_ready")
    label = "Wait for workloads ready"
    short_label = "wait for ready"
    kind = Kind.PIVOT
    stall_after = timedelta(minutes=10)

    def readiness(self, work: Work) -> Readiness:
        release, namespace = work.name_of(RELEASE, workload_name(work)), work.name_of(NAMESPACE, workload_name(work))
        return readiness(cluster_of(work).workload(release, namespace))

    def bell(self, work: Work) -> Bell:
        return Bell(work.region.cluster_connection, work.name_of(NAMESPACE, workload_name(work)))
