"""A region's Kubernetes cluster: its namespaces, its Helm releases, and the readiness of their workloads.

Joins the parts that the workload activities get. bootstrap.py chooses the Airflow connection.
"""

import copy
from typing import Self

from kubernetes.client import Configuration

from tenancy.adapters.helm import Helm
from tenancy.adapters.helm_kubeconfig import kubeconfig
from tenancy.adapters.kubernetes_api import Document, KubernetesApi
from tenancy.adapters.namespaces import GONE_WITHIN_SECONDS, PATH, Namespaces
from tenancy.adapters.releases import Releases
from tenancy.adapters.workload_readiness import Workload
from tenancy.saga.systems import ExpectedSystem


class Cluster:
    """One region's cluster."""

    def __init__(self, api: KubernetesApi, helm: Helm, *, gone_within: float = GONE_WITHIN_SECONDS) -> None:
        self._helm = helm
        self._gone_within = gone_within
        self._join(api)

    def _join(self, api: KubernetesApi) -> None:
        self._api = api
        self.namespaces = Namespaces(api, gone_within=self._gone_within)
        self.releases = Releases(api, self._helm, self.namespaces)

    def expecting(self, expected: ExpectedSystem, *, seconds: float | None = None) -> Self:
        """The same cluster, which must be the expected one. `seconds` limits each call of it and of Helm."""
        bound = copy.copy(self)
        if seconds is not None:
            bound._helm = self._helm.within(seconds)
            bound._gone_within = min(self._gone_within, seconds)
        bound._join(self._api.expecting(expected, read_seconds=seconds))
        return bound

    def identity(self) -> str:
        """The cluster's identity, as its API states it."""
        return self._api.identity()

    @property
    def location(self) -> str:
        """The address of its API."""
        return str(self._api.configuration.host)

    def workload(self, name: str, namespace: str) -> Workload:
        """The release's Deployment, its pods and the namespace's warnings, oldest first."""
        deployment = self._api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
        pods = self._api.list_objects(f"{PATH}/{namespace}/pods", f"app.kubernetes.io/instance={name}")
        warnings = self._api.list_objects(f"{PATH}/{namespace}/events", fields="type=Warning")
        return Workload(deployment, pods, sorted(warnings, key=_time_of_event))


def open_cluster(configuration: Configuration, label: str, *, connection: str = "") -> Cluster:
    """The cluster of this client configuration. Helm uses the same."""
    api = KubernetesApi(configuration, label, connection=connection)
    return Cluster(api, Helm(lambda: kubeconfig(configuration), label, connection=connection))


def _time_of_event(event: Document) -> str:
    series = event.get("series") or {}
    return str(
        event.get("lastTimestamp")
        or series.get("lastObservedTime")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
    )
