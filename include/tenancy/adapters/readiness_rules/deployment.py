"""A Deployment of a chart that has others, too. Pure."""

from tenancy.adapters import workload_readiness
from tenancy.adapters.readiness_rules.rule import ObservedObject
from tenancy.adapters.workload_readiness import Readiness, Workload


def readiness(observed: ObservedObject) -> Readiness:
    """Ready when the chart's replicas are available."""
    return with_replicas(observed, observed.replicas)


def with_replicas(observed: ObservedObject, replicas: int) -> Readiness:
    """The same for another number of replicas."""
    around = observed.around
    workload = Workload(observed.actual, around.pods, around.warnings, around.unbound)
    return workload_readiness.readiness(workload, replicas)
