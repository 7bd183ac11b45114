"""Deploy tenant workloads: a namespace with the plan's quota, and in it the Helm release of the product's chart.

The quota is made here with the namespace and not by the chart: so there is no moment without it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from tenancy.activities.activity import Activity, DiscoveredObject
from tenancy.activities.context import ActivityContext, Observation, SystemClients
from tenancy.activities.tenant_release import (
    NAMESPACE,
    RELEASE,
    check_request_by_chart,
    desired_release,
    workload_name,
)
from tenancy.adapters.server_deadlines import CLUSTER_WRITE_SECONDS, MARGIN_SECONDS
from tenancy.saga.advice import Remedy
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.names import ActivityName
from tenancy.saga.outputs import Outputs
from tenancy.saga.platform import Plan, Platform, Region
from tenancy.saga.product import ExtraQuota
from tenancy.saga.quantities import plus, same, times
from tenancy.saga.states import ActivityKind
from tenancy.saga.system_status import CLUSTER
from tenancy.saga.systems import Location
from tenancy.saga.tenant import Intent, Resource

if TYPE_CHECKING:
    from tenancy.adapters.cluster import Cluster
    from tenancy.adapters.namespaces import NamespaceStatus


class DeployWorkloads(Activity):
    """One namespace and one release of the same name. Does not wait for pods."""

    name = ActivityName("deploy_workloads")
    label = "Deploy tenant workloads"
    short_label = "deploy workloads"
    kind = ActivityKind.COMPENSATABLE
    systems = (CLUSTER,)
    stuck_remedy = Remedy("Cancel provisioning, then reset, then retry.", "cancel")
    resources = (NAMESPACE, RELEASE)
    system = "cluster"
    manual_removal = MappingProxyType(
        {
            NAMESPACE: "kubectl delete namespace {name}",
            RELEASE: "helm uninstall {name} --namespace {name}; it also goes with its namespace",
        }
    )
    late_seconds = CLUSTER_WRITE_SECONDS + MARGIN_SECONDS
    """The cluster carries a request out whose client is dead, once its admission webhooks have answered."""
    late_effect_resources = (NAMESPACE,)
    """All else is made inside of it, and refused once it is gone."""

    def intents(self, context: ActivityContext) -> tuple[Intent, ...]:
        name = workload_name(context)
        return (Intent(NAMESPACE, name, context.proof), Intent(RELEASE, name, context.proof, context.credential))

    def locate(self, context: ActivityContext) -> Location:
        recorded = context.recorded(NAMESPACE)
        if recorded is not None and recorded.live and recorded.system:
            return Location(recorded.system, recorded.region, recorded.connection)
        region = context.region
        return Location(context.clients.cluster(region).identity(), region.name, region.cluster_connection)

    def identify(self, clients: SystemClients, region: Region | None) -> str:
        return clients.cluster(region).identity() if region else ""

    def check_request(self, context: ActivityContext, outputs: Mapping[ActivityName, Outputs]) -> None:
        check_request_by_chart(context, outputs)

    def run(self, context: ActivityContext) -> None:
        cluster, namespace = cluster_of(context), context.name_of(NAMESPACE, workload_name(context))
        cluster.namespaces.ensure(
            namespace, labels=_labels(context), proof=context.proof, quota=_quota(context), fence=context.fence
        )
        cluster.releases.ensure(desired_release(context), proof=context.proof, fence=context.fence)

    def compensate(self, context: ActivityContext, resource: Resource) -> None:
        cluster = context.cluster_of(resource)
        if resource.kind == RELEASE:
            namespace = context.name_of(NAMESPACE, resource.name)
            cluster.releases.delete(resource.name, namespace, proof=resource.proof, fence=context.fence)
        else:
            release = context.name_of(RELEASE, resource.name)
            made = any(each.kind == RELEASE and each.was_present for each in context.saga.resources)
            cluster.releases.delete_cluster_scoped(
                release, resource.name, proof=resource.proof, fence=context.fence, made=made
            )
            cluster.namespaces.delete(resource.name, proof=resource.proof, fence=context.fence)

    def observe(self, context: ActivityContext) -> tuple[Observation, ...]:
        return (_observe_namespace(context), _observe_release(context))

    def explain(self, context: ActivityContext) -> Evidence | None:
        """What holds the namespace, or in what state Helm left the release."""
        cluster, name = cluster_of(context), workload_name(context)
        namespace = cluster.namespaces.find(context.name_of(NAMESPACE, name))
        if namespace is not None and namespace.ending:
            why = cluster.namespaces.ending(namespace.name)
            return Evidence(
                why.cause, f"The namespace {namespace.name} is still being deleted: {why.sentence}.", why.raw
            )
        release = cluster.releases.find(context.name_of(RELEASE, name), context.name_of(NAMESPACE, name))
        if release is None or release.status == "deployed":
            return None
        cause = Cause.HELM_PENDING if release.pending else Cause.HELM_FAILED
        return Evidence(cause, f"The release {release.name} is {release.status}.", {"status": release.status})

    def discover(self, clients: SystemClients, platform: Platform) -> tuple[DiscoveredObject, ...]:
        found: dict[tuple[str, str], DiscoveredObject] = {}
        for region in platform.regions.values():
            cluster = clients.cluster(region)
            proofs = {
                observed.name: observed.proof
                for observed in cluster.namespaces.of_platform(platform.name)
                if observed.proof
            }
            releases = [
                observed for observed in cluster.releases.of_platform(platform.name) if observed.namespace in proofs
            ]
            place, edited = cluster.location, cluster.releases.find_edited(platform.name)
            found |= {
                (NAMESPACE, name): DiscoveredObject(NAMESPACE, name, proof, place) for name, proof in proofs.items()
            }
            found |= {
                (RELEASE, r.name): DiscoveredObject(RELEASE, r.name, proofs[r.namespace], place, edited.get(r.name, ""))
                for r in releases
            }
        return tuple(found.values())


def cluster_of(context: ActivityContext) -> "Cluster":
    """The cluster that has the tenant's workloads; before they are made, its region's."""
    return context.cluster_of(context.recorded(NAMESPACE))


def _quota(context: ActivityContext) -> dict[str, str]:
    return quota_of(context.plan, context.product.quota)


def quota_of(plan: Plan, extra: ExtraQuota) -> dict[str, str]:
    """The plan's replicas, one more, because a rolling update starts the new pod before it ends an old one, and the
    product's own room."""
    count = plan.replicas + 1
    cpu, memory = plus(times(plan.cpu, count), extra.cpu), plus(times(plan.memory, count), extra.memory)
    return {
        "pods": str(count + extra.pods),
        "requests.cpu": cpu,
        "requests.memory": memory,
        "limits.cpu": cpu,
        "limits.memory": memory,
    }


def _labels(context: ActivityContext) -> dict[str, str]:
    from tenancy.adapters.namespaces import PLATFORM_LABEL, REGION_LABEL, SLUG_LABEL, TENANT_LABEL

    return {
        **context.product.labels,
        PLATFORM_LABEL: context.platform.name,
        TENANT_LABEL: str(context.tenant_id),
        SLUG_LABEL: context.saga.parameters.slug,
        REGION_LABEL: context.saga.parameters.region,
        "app.kubernetes.io/managed-by": "tenancy",
        "app.kubernetes.io/part-of": "tenancy",
    }


def _observe_namespace(context: ActivityContext) -> Observation:
    name = context.name_of(NAMESPACE, workload_name(context))
    observed = cluster_of(context).namespaces.find(name)
    if observed is None:
        return _observation(NAMESPACE, name, present=False, wrong="does not exist")
    return _observation(NAMESPACE, name, present=True, wrong=_what_is_wrong(observed, context))


def _what_is_wrong(observed: "NamespaceStatus", context: ActivityContext) -> str:
    if observed.proof != context.proof:
        return "is not ours"
    if observed.ending:
        return f"is being deleted ({cluster_of(context).namespaces.ending(observed.name).sentence})"
    if context.not_comparable:
        return context.not_comparable
    quota = cluster_of(context).namespaces.quota(observed.name)
    return "" if same(quota, _quota(context)) else "has not the quota of its plan"


def _observe_release(context: ActivityContext) -> Observation:
    releases, name = cluster_of(context).releases, context.name_of(RELEASE, workload_name(context))
    observed = releases.find(name, context.name_of(NAMESPACE, name))
    if observed is None:
        return _observation(RELEASE, name, present=False, wrong="does not exist")
    if context.not_comparable:
        return _observation(RELEASE, name, present=True, wrong=context.not_comparable)
    wrong = releases.find_deviation(desired_release(context), observed, proof=context.proof)
    return _observation(RELEASE, name, present=True, wrong=wrong)


def _observation(kind: str, name: str, *, present: bool, wrong: str) -> Observation:
    return Observation(kind, name, present=present, healthy=not wrong, why=wrong and f"the {kind} {name} {wrong}")
