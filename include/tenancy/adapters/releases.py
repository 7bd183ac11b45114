"""Helm releases of the product's chart in one cluster: find, compare, install, repair, delete.

Used by the workload activities through the cluster adapter. The namespace proves that a release is ours, because only
our client creates it.
"""

from collections.abc import Callable, Iterator, Mapping

import yaml

from tenancy.adapters import manifests
from tenancy.adapters.cluster_access_reviews import missing_right
from tenancy.adapters.cluster_scoped import delete_cluster_scoped
from tenancy.adapters.helm import FIELD_MANAGER, FORMER_FIELD_MANAGERS, Helm, Release
from tenancy.adapters.helm_records import DIGEST_LABEL, ReleaseAction, ReleaseStatus, newest_revision, release_status
from tenancy.adapters.kubernetes_api import Document, KubernetesApi
from tenancy.adapters.namespaced_kinds import NAMESPACED, path_of
from tenancy.adapters.namespaces import PATH, PLATFORM_LABEL, Namespaces
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError

__all__ = ["DIGEST_LABEL", "ReleaseStatus", "Releases"]

_OURS = (FIELD_MANAGER, *FORMER_FIELD_MANAGERS)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Releases:
    """One cluster's releases."""

    def __init__(self, api: KubernetesApi, helm: Helm, namespaces: Namespaces) -> None:
        self._api = api
        self._helm = helm
        self._namespaces = namespaces

    def find(self, name: str, namespace: str) -> ReleaseStatus | None:
        """The newest revision of the release; None if there is no release or no namespace."""
        if self._namespaces.find(namespace) is None:
            return None
        return self._stored(name, namespace)

    def _stored(self, name: str, namespace: str) -> ReleaseStatus | None:
        revisions = self._api.list_objects(f"{PATH}/{namespace}/secrets", f"owner=helm,name={name}")
        if not revisions:
            self._api.require_same_system()  # another cluster has none, either
        return newest_revision(revisions)

    def manifest(self, name: str, namespace: str) -> str:
        """The manifests of its newest revision; empty if there is none, or if they cannot be read."""
        current = self._stored(name, namespace)
        return current.manifest if current else ""

    def of_platform(self, platform: str) -> list[ReleaseStatus]:
        """Every release of this platform in any state, once for each of its revisions."""
        secrets = self._api.iterate_metadata("/api/v1/secrets", f"owner=helm,{PLATFORM_LABEL}={platform}")
        return [release_status(secret) for secret in secrets]

    def find_edited(self, platform: str) -> dict[str, str]:
        """Release -> how a Deployment of it differs from the manifest. Only edited releases are in it.

        For the drift check: it needs a few lists, whatever the number of tenants. `find_deviation` compares a whole
        release. Only Deployments with the platform's label are compared.
        """
        deployments = {
            (each["metadata"]["namespace"], each["metadata"]["name"]): each
            for each in self._api.iterate_objects("/apis/apps/v1/deployments", f"{PLATFORM_LABEL}={platform}")
        }
        found: dict[str, str] = {}
        for secret in self._api.iterate_objects(
            "/api/v1/secrets", f"owner=helm,status=deployed,{PLATFORM_LABEL}={platform}"
        ):
            current = release_status(secret)
            edit = next(_edits_of_deployments(current, deployments), None)
            found |= {current.name: str(edit)} if edit else {}
        return found

    def find_deviation(self, desired: Release, current: ReleaseStatus, *, proof: str) -> str:
        """How the release differs from what `ensure` would create; empty if it does not."""
        namespace = self._namespaces.find(desired.namespace)
        if namespace is None or namespace.proof != proof:
            return "is in a namespace that is not ours"
        if current.status != "deployed":
            return f"is {current.status}"
        if current.digest != desired.labels[DIGEST_LABEL]:
            return "was made from another chart or other values"
        return self._find_inner_deviation(desired, current)

    def _find_inner_deviation(self, desired: Release, current: ReleaseStatus) -> str:
        """By the manifest of the release: its digest says that it was made from the values that are desired."""
        missing: list[str] = []
        edited: list[manifests.Edit] = []
        if not current.manifest:
            return "has a record that cannot be read"
        for kind, text in manifests.documents(current.manifest):
            if kind in NAMESPACED:
                asked = yaml.load(text, _LOADER)  # noqa: S506 - a safe loader, the one in C
                actual = self._api.get(path_of(asked, desired.namespace))
                missing += [] if actual else [_named(asked, desired.name)]
                edited += manifests.edits(asked, actual, _OURS) if actual else []
        if missing:
            return f"has lost its {', '.join(missing)}"
        return f"is not as it was made: {edited[0]}" if edited else ""

    def ensure(self, desired: Release, *, proof: str, fence: Callable[[], None]) -> None:
        """Install, repair or replace the release; do nothing if it is as desired.

        helm_records.py has the action for each of Helm's statuses. PermanentError if the values do not fit the chart:
        Helm checks its schema, and renders all of it, before it contacts the cluster. ForeignObjectError if the
        namespace is not ours, PlatformError if our account may not record Helm's result.
        `fence` runs before each effect.
        """
        self._require_our_namespace(desired.namespace, proof)
        current = self._stored(desired.name, desired.namespace)
        action = current.action if current else ReleaseAction.INSTALL
        if current and action is ReleaseAction.UPGRADE and not self.find_deviation(desired, current, proof=proof):
            return
        if action is ReleaseAction.REPLACE:
            fence()
            self._helm.uninstall(desired.name, desired.namespace)
        fence()
        if action is ReleaseAction.UPGRADE:
            self._helm.upgrade(desired)
        else:
            self._helm.install(desired)
        self._require_deployed(desired)

    def _require_deployed(self, desired: Release) -> None:
        """If Helm 4 cannot record its own result, it only logs that, and the release stays pending for ever."""
        current = self._stored(desired.name, desired.namespace)
        if current is not None and current.status == "deployed":
            return
        status = current.status if current else "not recorded"
        right = missing_right(self._api, "update", "secrets", desired.namespace)
        why = right or "Helm could not record its end; its account needs to update secrets there"
        raise PlatformError(
            f"Helm has applied the release {desired.name} in {self._api.label}, but it is {status}: {why}.",
            cause=Cause.CLUSTER_RIGHTS if right else Cause.HELM_PENDING,
        )

    def delete(self, name: str, namespace: str, *, proof: str, fence: Callable[[], None]) -> None:
        """Uninstall it, if it exists. ForeignObjectError if its namespace is not ours.

        It needs no right in a namespace that is gone: the release is gone, too.
        """
        home_namespace = self._namespaces.find(namespace)
        if home_namespace is None or self._stored(name, namespace) is None:
            return
        self._namespaces.require_ours(home_namespace, namespace, proof)
        self._api.require_same_system()  # Helm opens its own connection and checks no identity
        fence()
        self._helm.uninstall(name, namespace)

    def delete_cluster_scoped(
        self, name: str, namespace: str, *, proof: str, fence: Callable[[], None], made: bool
    ) -> None:
        """Delete cluster-scoped objects of a release that should be gone but is not: its namespace does not include
        them.

        `made`: the release is known to have been installed; then a missing right to read it is a PlatformError.
        Otherwise an account without that right could not have installed it, so there is nothing to search for.
        """
        home_namespace = self._namespaces.find(namespace)
        look = self._stored if made else self._if_allowed
        current = look(name, namespace) if home_namespace is not None else None
        if current is None:
            return
        self._namespaces.require_ours(home_namespace, namespace, proof)
        delete_cluster_scoped(self._api, current.manifest, release=name, namespace=namespace, fence=fence)

    def _if_allowed(self, name: str, namespace: str) -> ReleaseStatus | None:
        """The release; None also when our account may not read it."""
        try:
            return self._stored(name, namespace)
        except PlatformError as error:
            if error.cause is not Cause.CLUSTER_RIGHTS:
                raise
            return None

    def _require_our_namespace(self, name: str, proof: str) -> None:
        self._api.require_same_system()  # as in `delete`
        current = self._namespaces.find(name)
        if current is None:
            raise PermanentError(f"The namespace {name} is gone from {self._api.label}: somebody deleted it.")
        self._namespaces.require_ours(current, name, proof)


def _named(asked: Document, release: str) -> str:
    name = asked["metadata"]["name"]
    return str(asked["kind"]) if name == release else f"{asked['kind']} {name}"


def _edits_of_deployments(
    current: ReleaseStatus, deployments: Mapping[tuple[str, str], Document]
) -> Iterator[manifests.Edit]:
    for kind, text in manifests.documents(current.manifest):
        if kind == "Deployment":  # parsing YAML is what takes time
            asked = yaml.load(text, _LOADER)  # noqa: S506 - a safe loader, the one in C
            actual = deployments.get((current.namespace, asked["metadata"]["name"]))
            yield from manifests.edits(asked, actual, _OURS) if actual else ()
