"""The kinds of objects that this cluster serves, with their paths in the API.

Discovery, routing, validation and the store all read this one table; a new kind is one line here (and its controller,
if it does something). Kinds that no user of the emulator needed are absent: like a real cluster, the emulator returns
404 for a kind that it does not serve.
"""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, eq=False)  # compared by identity: there is one object per kind
class Kind:
    """One kind, with everything that differs between kinds."""

    group: str
    version: str
    plural: str
    name: str
    short_names: tuple[str, ...] = ()
    namespaced: bool = True
    has_status: bool = False
    has_scale: bool = False
    returned_on_delete: bool = False  # DELETE answers with the object instead of a Status
    selectable: dict[str, tuple[str, ...]] = field(default_factory=dict)
    model: str = ""  # the Python client's class when it is not Version + Kind

    @property
    def group_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def resource(self) -> str:
        """As error messages name it: `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def kind_group(self) -> str:
        """As validation messages name it: `Deployment.apps`."""
        return f"{self.name}.{self.group}" if self.group else self.name

    @property
    def root(self) -> str:
        return f"apis/{self.group}/{self.version}" if self.group else f"api/{self.version}"

    @property
    def model_name(self) -> str:
        return self.model or self.version.capitalize() + self.name


_INVOLVED = {
    f"involvedObject.{key}": ("involvedObject", key)
    for key in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
}

NAMESPACE: Final = Kind(
    "", "v1", "namespaces", "Namespace", ("ns",), namespaced=False, has_status=True, returned_on_delete=True,
    selectable={"status.phase": ("status", "phase")},
)  # fmt: skip
NODE: Final = Kind("", "v1", "nodes", "Node", ("no",), namespaced=False, has_status=True)
CONFIG_MAP: Final = Kind("", "v1", "configmaps", "ConfigMap", ("cm",))
SECRET: Final = Kind("", "v1", "secrets", "Secret", selectable={"type": ("type",)})
SERVICE: Final = Kind("", "v1", "services", "Service", ("svc",), has_status=True, returned_on_delete=True)
SERVICE_ACCOUNT: Final = Kind("", "v1", "serviceaccounts", "ServiceAccount", ("sa",), returned_on_delete=True)
POD: Final = Kind(
    "", "v1", "pods", "Pod", ("po",), has_status=True, returned_on_delete=True,
    selectable={
        "status.phase": ("status", "phase"),
        "spec.nodeName": ("spec", "nodeName"),
        "spec.restartPolicy": ("spec", "restartPolicy"),
        "spec.serviceAccountName": ("spec", "serviceAccountName"),
    },
)  # fmt: skip
EVENT: Final = Kind(
    "", "v1", "events", "Event", ("ev",), model="CoreV1Event",
    selectable={**_INVOLVED, "reason": ("reason",), "type": ("type",), "source": ("source", "component")},
)  # fmt: skip
QUOTA: Final = Kind("", "v1", "resourcequotas", "ResourceQuota", ("quota",), has_status=True, returned_on_delete=True)
LIMIT_RANGE: Final = Kind("", "v1", "limitranges", "LimitRange", ("limits",))
VOLUME_CLAIM: Final = Kind(
    "", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", ("pvc",), has_status=True, returned_on_delete=True
)  # fmt: skip
DEPLOYMENT: Final = Kind("apps", "v1", "deployments", "Deployment", ("deploy",), has_status=True, has_scale=True)
REPLICA_SET: Final = Kind("apps", "v1", "replicasets", "ReplicaSet", ("rs",), has_status=True, has_scale=True)
STATEFUL_SET: Final = Kind("apps", "v1", "statefulsets", "StatefulSet", ("sts",), has_status=True, has_scale=True)
DAEMON_SET: Final = Kind("apps", "v1", "daemonsets", "DaemonSet", ("ds",), has_status=True)
JOB: Final = Kind("batch", "v1", "jobs", "Job", has_status=True)
STORAGE_CLASS: Final = Kind("storage.k8s.io", "v1", "storageclasses", "StorageClass", ("sc",), namespaced=False)
INGRESS: Final = Kind("networking.k8s.io", "v1", "ingresses", "Ingress", ("ing",), has_status=True)
INGRESS_CLASS: Final = Kind("networking.k8s.io", "v1", "ingressclasses", "IngressClass", namespaced=False)
NETWORK_POLICY: Final = Kind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", ("netpol",))
ENDPOINT_SLICE: Final = Kind("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
DISRUPTION_BUDGET: Final = Kind(
    "policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", ("pdb",), has_status=True
)
AUTOSCALER: Final = Kind(
    "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", ("hpa",), has_status=True
)
ROLE: Final = Kind("rbac.authorization.k8s.io", "v1", "roles", "Role")
ROLE_BINDING: Final = Kind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
LEASE: Final = Kind("coordination.k8s.io", "v1", "leases", "Lease")

KINDS: Final[tuple[Kind, ...]] = (
    NAMESPACE, NODE, CONFIG_MAP, SECRET, SERVICE, SERVICE_ACCOUNT, POD, EVENT, QUOTA, LIMIT_RANGE, VOLUME_CLAIM,
    DEPLOYMENT, REPLICA_SET, STATEFUL_SET, DAEMON_SET, JOB, STORAGE_CLASS, INGRESS, INGRESS_CLASS, NETWORK_POLICY,
    ENDPOINT_SLICE, DISRUPTION_BUDGET, AUTOSCALER, ROLE, ROLE_BINDING, LEASE,
)  # fmt: skip
BY_PATH: Final = {(kind.group, kind.version, kind.plural): kind for kind in KINDS}
BY_RESOURCE: Final = {kind.resource: kind for kind in KINDS}
GROUP_VERSIONS: Final = {kind.group: kind.version for kind in KINDS}
