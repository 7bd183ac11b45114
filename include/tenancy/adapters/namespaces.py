"""Tenants' namespaces in one cluster, each with its plan's quota and our proof of ownership.

Used by the callers of the cluster adapter. This client creates namespaces and Helm never does, so a late Helm process
finds none. Every call is idempotent; a namespace without our proof is never touched.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tenancy.adapters.kubernetes_api import Document, KubernetesApi
from tenancy.adapters.namespace_deletion import NOT_BEGUN, DeletionStatus, deletion_status
from tenancy.saga.errors import ForeignObjectError, PermanentError, PlatformError, TransientError
from tenancy.saga.quantities import same

PLATFORM_LABEL = "tenancy.internal/platform"
TENANT_LABEL = "tenancy.internal/tenant-id"
SLUG_LABEL = "tenancy.internal/slug"
REGION_LABEL = "tenancy.internal/region"
PROOF = "tenancy.internal/proof"
"""An annotation, because a label's value can hold neither a colon nor more than 63 characters."""
PATH = "/api/v1/namespaces"
GONE_WITHIN_SECONDS: Final = 25.0
"""Seconds. A cluster begins 5 s after the deletion and then waits for the pods' grace period; 9 s were measured with
one pod (Kubernetes 1.36). It is half of the limit of one pass of unwinding (engine/tenancy.py, Timings)."""
_QUOTA = "plan"


@dataclass(frozen=True)
class NamespaceStatus:
    """A namespace as it is now. `proof` is None if it does not have our annotation."""

    name: str
    proof: str | None
    uid: str
    ending: bool


class Namespaces:
    """One cluster's namespaces."""

    def __init__(
        self,
        api: KubernetesApi,
        *,
        gone_within: float = GONE_WITHIN_SECONDS,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api = api
        self._gone_within = gone_within
        self._sleep = sleep
        self._monotonic = monotonic
        self._now = now

    def find(self, name: str) -> NamespaceStatus | None:
        """The namespace, if it exists, without its quota: unwinding needs no right to read that."""
        found = self._api.get(f"{PATH}/{name}")
        return _status_of(found) if found else None

    def quota(self, name: str) -> Mapping[str, str] | None:
        """The limits of our quota in it; None if it has no quota of ours."""
        found = self._api.get(_quota_path(name))
        return dict(found["spec"].get("hard") or {}) if found else None

    def ending(self, name: str) -> DeletionStatus:
        """Why a namespace that is being deleted still exists."""
        found = self._api.get(f"{PATH}/{name}")
        return self._ending(found) if found else DeletionStatus(NOT_BEGUN)

    def _ending(self, namespace: Document) -> DeletionStatus:
        """Includes its pods if our account may read them. Its conditions are always known."""
        pods: list[Document] = []
        with suppress(PermanentError, PlatformError):
            pods = self._api.list_objects(f"{PATH}/{namespace['metadata']['name']}/pods")
        return deletion_status(namespace, pods, self._now())

    def of_platform(self, platform: str) -> list[NamespaceStatus]:
        """Every namespace with this platform's label, by its metadata only."""
        found = self._api.iterate_metadata(PATH, f"{PLATFORM_LABEL}={platform}")
        return [_status_of(document) for document in found]

    def ensure(
        self, name: str, *, labels: Mapping[str, str], proof: str, quota: Mapping[str, str], fence: Callable[[], None]
    ) -> None:
        """Create or adopt it, with its quota. ForeignObjectError if it is not ours; `fence` runs before each effect."""
        status = self.find(name)
        if status is None:
            fence()
            self._api.create(PATH, _namespace_document(name, labels, proof))
            status = self.find(name)
        self.require_ours(status, name, proof)
        assert status is not None  # required just now
        if status.ending:
            why = self.ending(name)
            raise TransientError(f"The namespace {name} is still being deleted ({why.sentence}).", cause=why.cause)
        if not same(self.quota(name), quota):
            fence()
            self._put_quota(name, quota)

    def delete(self, name: str, *, proof: str, fence: Callable[[], None]) -> None:
        """Delete it with everything in it, and wait until it is gone.

        TransientError names what keeps it if that takes too long; ForeignObjectError if it is not ours.
        """
        status = self.find(name)
        if status is None:
            return
        self.require_ours(status, name, proof)
        if not status.ending:
            fence()
            self._api.delete(f"{PATH}/{name}", uid=status.uid)
        self._wait_until_gone(status)

    def _put_quota(self, namespace: str, quota: Mapping[str, str]) -> None:
        document = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": _QUOTA},
            "spec": {"hard": dict(quota)},
        }
        if self._api.create(f"{PATH}/{namespace}/resourcequotas", document) is None:
            self._api.replace(_quota_path(namespace), document)

    def _wait_until_gone(self, namespace: NamespaceStatus) -> None:
        end, pause = self._monotonic() + self._gone_within, 0.05
        while (found := self._api.get(f"{PATH}/{namespace.name}")) is not None:
            if found["metadata"]["uid"] != namespace.uid:
                return
            if self._monotonic() > end:
                why = self._ending(found)
                raise TransientError(
                    f"The namespace {namespace.name} is not gone after {self._gone_within:.0f} s: {why.sentence}.",
                    cause=why.cause,
                )
            self._sleep(pause)
            pause = min(pause * 1.5, 1.0)

    def require_ours(self, status: NamespaceStatus | None, name: str, proof: str) -> None:
        """ForeignObjectError if it is not ours."""
        if status is None or status.proof != proof:
            raise ForeignObjectError(
                f"A namespace {name} exists in {self._api.label} and is not ours (its proof is "
                f"{status.proof if status else None!r}, ours would be {proof!r}). Nothing was changed; find its owner, "
                "or delete it manually."
            )


def _quota_path(namespace: str) -> str:
    return f"{PATH}/{namespace}/resourcequotas/{_QUOTA}"


def _namespace_document(name: str, labels: Mapping[str, str], proof: str) -> Document:
    metadata = {"name": name, "labels": dict(labels), "annotations": {PROOF: proof}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _status_of(document: Document) -> NamespaceStatus:
    metadata = document["metadata"]
    return NamespaceStatus(
        name=metadata["name"],
        proof=(metadata.get("annotations") or {}).get(PROOF),
        uid=metadata["uid"],
        ending=bool(metadata.get("deletionTimestamp")),
    )
