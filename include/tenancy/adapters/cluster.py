"""A region's Kubernetes cluster: its namespaces, its Helm releases, and the readiness of their workloads.

Joins the parts that the workload activities get. bootstrap.py chooses the Airflow connection.
"""

import copy
from typing import Self

from kubernetes.client import Configuration

from tenancy.adapters.helm import Helm
from tenancy.adapters.helm_kubeconfig import kubeconfig
from tenancy.adapters.jobs import Jobs
from tenancy.adapters.kubernetes_api import KubernetesApi
from tenancy.adapters.namespaces import GONE_WITHIN_SECONDS, Namespaces
from tenancy.adapters.release_objects import ReleaseObjects
from tenancy.adapters.release_readiness import release_readiness
from tenancy.adapters.releases import Releases
from tenancy.adapters.workload_readiness import Readiness
from tenancy.saga.systems import ExpectedSystem

_ALONE = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {}}}\n"
"""What a release is taken for whose record is gone or cannot be read."""


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
        self.jobs = Jobs(api)

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

    def readiness(self, name: str, namespace: str, replicas: int) -> Readiness:
        """Are all objects of the release ready? `replicas` is the plan's, for the Deployment with the release's name.

        Objects that only have to exist are looked for last, once nothing else is awaited.
        """
        objects = ReleaseObjects(self._api, self.releases.manifest(name, namespace) or _ALONE.format(name), namespace)
        found = release_readiness(objects.judged(), name, replicas)
        missing = objects.first_missing() if found.ready else ""
        return Readiness(ready=False, reason=f"{missing} does not exist") if missing else found


def open_cluster(configuration: Configuration, label: str, *, connection: str = "") -> Cluster:
    """The cluster of this client configuration. Helm uses the same."""
    api = KubernetesApi(configuration, label, connection=connection)
    return Cluster(api, Helm(lambda: kubeconfig(configuration), label, connection=connection))
