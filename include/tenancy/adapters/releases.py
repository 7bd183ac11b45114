"""Helm releases of charts/tenant in one cluster: what Helm stores of them, what they consist of, their life.

Used by the workload activities through the cluster adapter. That a release is ours is proved by its namespace, which
only our client makes.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from tenancy.adapters.helm import Helm, Release
from tenancy.adapters.kubernetes_api import Document, KubernetesApi
from tenancy.adapters.namespaces import PATH, PLATFORM_LABEL, Namespaces
from tenancy.saga.errors import PermanentError

DIGEST_LABEL = "tenancy.internal/digest"
_KINDS = {
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Service": "/api/v1/namespaces/{}/services",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "Secret": "/api/v1/namespaces/{}/secrets",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
}
"""What a release consists of: one of each, all of the release's name (tests/unit/test_chart.py holds it to that)."""


@dataclass(frozen=True)
class ReleaseSeen:
    """A Helm release's newest revision. `digest` is of what it was made from."""

    name: str
    namespace: str
    status: str
    digest: str

    @property
    def pending(self) -> bool:
        """Some Helm died in the middle; the tenant's lock says that none is still at it."""
        return self.status.startswith("pending-") or self.status == "uninstalling"


class Releases:
    """One cluster's releases."""

    def __init__(self, api: KubernetesApi, helm: Helm, namespaces: Namespaces) -> None:
        self._api = api
        self._helm = helm
        self._namespaces = namespaces

    def find(self, name: str, namespace: str) -> ReleaseSeen | None:
        """The release's newest revision, if there is one."""
        revisions = self._api.listed(f"{PATH}/{namespace}/secrets", f"owner=helm,name={name}")
        if not revisions:
            self._api.require_same_system()  # another cluster has none, either
            return None
        return _seen(max(revisions, key=lambda secret: int(secret["metadata"]["labels"]["version"])))

    def of_platform(self, platform: str) -> list[ReleaseSeen]:
        """Every release this platform made, in whatever state, once for each of its revisions."""
        secrets = self._api.marks("/api/v1/secrets", f"owner=helm,{PLATFORM_LABEL}={platform}")
        return [_seen(secret) for secret in secrets]

    def what_is_wrong(self, wanted: Release, seen: ReleaseSeen, *, proof: str) -> str:
        """In what it is not as `ensure` makes it; empty when in nothing."""
        namespace = self._namespaces.find(wanted.namespace)
        if namespace is None or namespace.proof != proof:
            return "is in a namespace that is not ours"
        if seen.status != "deployed":
            return f"is {seen.status}"
        if seen.digest != wanted.labels[DIGEST_LABEL]:
            return "was made from another chart or other values"
        return self._what_is_wrong_inside(wanted)

    def _what_is_wrong_inside(self, wanted: Release) -> str:
        paths = {kind: f"{path.format(wanted.namespace)}/{wanted.name}" for kind, path in _KINDS.items()}
        parts = {kind: self._api.get(path) for kind, path in paths.items()}
        missing = [kind for kind, part in parts.items() if part is None]
        if missing:
            return f"has lost its {', '.join(missing)}"
        dsn = ((parts["Secret"] or {}).get("data") or {}).get("dsn")
        expected = base64.b64encode(wanted.values["database"]["dsn"].encode()).decode()
        return "" if dsn == expected else "has another DSN in its Secret"

    def ensure(self, wanted: Release, *, proof: str, fence: Callable[[], None]) -> None:
        """Install, mend or bring back the release; nothing happens when it is as asked.

        A pending one is uninstalled first: that is the one verb that Helm 4.2.3 still takes then. PermanentError when
        the values do not fit the chart, ForeignObjectError when the namespace is not ours; `fence` before each effect.
        """
        self._helm.render(wanted)
        self._require_our_namespace(wanted.namespace, proof)
        seen = self.find(wanted.name, wanted.namespace)
        if seen is not None and seen.pending:
            fence()
            self._helm.uninstall(wanted.name, wanted.namespace)
            seen = None
        if seen is None:
            fence()
            self._helm.install(wanted)
        elif self.what_is_wrong(wanted, seen, proof=proof):
            fence()
            self._helm.upgrade(wanted)

    def delete(self, name: str, namespace: str, *, proof: str, fence: Callable[[], None]) -> None:
        """Uninstall it, if it is there. ForeignObjectError when its namespace is not ours."""
        if self.find(name, namespace) is None:
            return
        self._require_our_namespace(namespace, proof)
        fence()
        self._helm.uninstall(name, namespace)

    def _require_our_namespace(self, name: str, proof: str) -> None:
        self._api.require_same_system()  # Helm enters by a connection of its own and asks for no identity
        seen = self._namespaces.find(name)
        if seen is None:
            raise PermanentError(f"The namespace {name} is gone from {self._api.label}: somebody deleted it.")
        self._namespaces.require_ours(seen, name, proof)


def _seen(secret: Document) -> ReleaseSeen:
    """Helm keeps name, status and version as labels of the Secret it stores a revision in."""
    metadata = secret["metadata"]
    labels = metadata["labels"]
    return ReleaseSeen(labels["name"], metadata["namespace"], labels["status"], labels.get(DIGEST_LABEL, ""))
