"""Tenants' namespaces in one cluster, each with the plan's quota and our proof of ownership.

Used by the cluster adapter's callers. Namespaces are made here and never by Helm, so that a Helm process that comes
late finds none. Every call is idempotent; a namespace without our proof is never touched.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tenancy.adapters.kubernetes_api import Document, KubernetesApi
from tenancy.saga.causes import Cause
from tenancy.saga.errors import ForeignObjectError, TransientError
from tenancy.saga.quantities import same

PLATFORM_LABEL = "tenancy.internal/platform"
TENANT_LABEL = "tenancy.internal/tenant-id"
SLUG_LABEL = "tenancy.internal/slug"
REGION_LABEL = "tenancy.internal/region"
PROOF = "tenancy.internal/proof"
"""An annotation: a label's value cannot hold a colon, nor more than 63 characters."""
PATH = "/api/v1/namespaces"
_QUOTA = "plan"


@dataclass(frozen=True)
class NamespaceSeen:
    """A namespace as it is. `proof` None: it has no mark of ours. `quota` None: it has no quota of ours."""

    name: str
    proof: str | None
    uid: str
    ending: bool
    why_ending: str
    quota: Mapping[str, str] | None = None


class Namespaces:
    """One cluster's namespaces."""

    def __init__(
        self,
        api: KubernetesApi,
        *,
        gone_within: float = 10.0,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._gone_within = gone_within
        self._sleep = sleep
        self._monotonic = monotonic

    def find(self, name: str) -> NamespaceSeen | None:
        """The namespace and its quota, if it exists."""
        seen = self._api.get(f"{PATH}/{name}")
        if seen is None:
            return None
        quota = self._api.get(_quota_path(name))
        return _namespace_seen(seen, quota)

    def of_platform(self, platform: str) -> list[NamespaceSeen]:
        """Every namespace with this platform's label; neither quotas nor conditions are looked at."""
        found = self._api.marks(PATH, f"{PLATFORM_LABEL}={platform}")
        return [_namespace_seen(document, None) for document in found]

    def ensure(
        self, name: str, *, labels: Mapping[str, str], proof: str, quota: Mapping[str, str], fence: Callable[[], None]
    ) -> None:
        """Make or adopt it, with its quota. ForeignObjectError when not ours; `fence` before each effect."""
        seen = self.find(name)
        if seen is None:
            fence()
            self._api.create(PATH, _namespace_document(name, labels, proof))
            seen = self.find(name)
        self.require_ours(seen, name, proof)
        assert seen is not None  # required just now
        if seen.ending:
            raise TransientError(
                f"The namespace {name} is still being deleted ({seen.why_ending}).", cause=Cause.CLUSTER_ENDING
            )
        if not same(seen.quota, quota):
            fence()
            self._put_quota(name, quota)

    def delete(self, name: str, *, proof: str, fence: Callable[[], None]) -> None:
        """Delete it with all that is in it and wait until it is gone.

        TransientError names what holds it when that takes too long; ForeignObjectError when it is not ours.
        """
        seen = self.find(name)
        if seen is None:
            return
        self.require_ours(seen, name, proof)
        if not seen.ending:
            fence()
            self._api.delete(f"{PATH}/{name}", uid=seen.uid)
        self._wait_until_gone(seen)

    def _put_quota(self, namespace: str, quota: Mapping[str, str]) -> None:
        document = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": _QUOTA},
            "spec": {"hard": dict(quota)},
        }
        if self._api.create(f"{PATH}/{namespace}/resourcequotas", document) is None:
            self._api.replace(_quota_path(namespace), document)

    def _wait_until_gone(self, namespace: NamespaceSeen) -> None:
        end, pause, why = self._monotonic() + self._gone_within, 0.05, "no reason given"
        while (seen := self._api.get(f"{PATH}/{namespace.name}")) is not None:
            if seen["metadata"]["uid"] != namespace.uid:
                return
            why = _why_ending(seen) or why
            if self._monotonic() > end:
                raise TransientError(
                    f"The namespace {namespace.name} is not gone after {self._gone_within:.0f} s: {why}.",
                    cause=Cause.CLUSTER_ENDING,
                )
            self._sleep(pause)
            pause = min(pause * 1.5, 1.0)

    def require_ours(self, seen: NamespaceSeen | None, name: str, proof: str) -> None:
        """ForeignObjectError when it is not ours."""
        if seen is None or seen.proof != proof:
            raise ForeignObjectError(
                f"A namespace {name} exists in {self._api.label} and is not ours (its proof is "
                f"{seen.proof if seen else None!r}, ours would be {proof!r}). Nothing was changed; find its owner, "
                "or delete it by hand."
            )


def _quota_path(namespace: str) -> str:
    return f"{PATH}/{namespace}/resourcequotas/{_QUOTA}"


def _namespace_document(name: str, labels: Mapping[str, str], proof: str) -> Document:
    metadata = {"name": name, "labels": dict(labels), "annotations": {PROOF: proof}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _namespace_seen(document: Document, quota: Document | None) -> NamespaceSeen:
    metadata = document["metadata"]
    return NamespaceSeen(
        name=metadata["name"],
        proof=(metadata.get("annotations") or {}).get(PROOF),
        uid=metadata["uid"],
        ending=bool(metadata.get("deletionTimestamp")),
        why_ending=_why_ending(document),
        quota=quota["spec"].get("hard") if quota else None,
    )


def _why_ending(namespace: Document) -> str:
    """Which finalizer holds it; the namespace's own conditions say it best."""
    conditions = (namespace.get("status") or {}).get("conditions") or []
    said = [c.get("message", "") for c in conditions if c["status"] == "True"]
    held = namespace["metadata"].get("finalizers") or []
    if held:
        said.append(f"the namespace itself is held by {', '.join(held)}")
    return "; ".join(text.rstrip(".") for text in said if text)
