"""What Helm stores of a release: one Secret a revision, with labels and the whole revision in it. Pure."""

import base64
import gzip
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

Document = dict[str, Any]
DIGEST_LABEL: Final = "tenancy.internal/digest"


class ReleaseAction(StrEnum):
    """How a release is brought to what is asked for."""

    INSTALL = "install"
    """There is none."""
    UPGRADE = "upgrade"
    """Helm has a revision that it can continue from."""
    REPLACE = "uninstall, then install"
    """Helm refuses install and upgrade alike; uninstalling is the one verb it takes, and it removes the history."""


_ACTIONS: Final[Mapping[str, ReleaseAction]] = {
    "deployed": ReleaseAction.UPGRADE,
    "failed": ReleaseAction.UPGRADE,
    "superseded": ReleaseAction.UPGRADE,
    "unknown": ReleaseAction.REPLACE,
    "uninstalled": ReleaseAction.REPLACE,
    "uninstalling": ReleaseAction.REPLACE,
    "pending-install": ReleaseAction.REPLACE,
    "pending-upgrade": ReleaseAction.REPLACE,
    "pending-rollback": ReleaseAction.REPLACE,
}
"""Every status of Helm 4 (pkg/release/common), tried one by one in tests/integration/test_helm_statuses.py."""


@dataclass(frozen=True)
class ReleaseStatus:
    """A Helm release's newest revision. `digest` is of what it was made from."""

    name: str
    namespace: str
    status: str
    digest: str
    _stored: str = field(default="", repr=False)
    """The revision as it is stored, with the values, which hold secrets."""

    @property
    def action(self) -> ReleaseAction:
        """A status that a later Helm adds is replaced as well."""
        return _ACTIONS.get(self.status, ReleaseAction.REPLACE)

    @property
    def pending(self) -> bool:
        """Some Helm died in the middle; the tenant's lock says that none is still at it."""
        return self.status.startswith("pending-") or self.status == "uninstalling"

    @property
    def manifest(self) -> str:
        """The manifests it was made from; empty when they cannot be read."""
        try:
            revision = json.loads(gzip.decompress(base64.b64decode(base64.b64decode(self._stored))))
        except (ValueError, OSError, EOFError):
            return ""
        return str(revision.get("manifest") or "") if isinstance(revision, dict) else ""


def newest_revision(revisions: Iterable[Document]) -> ReleaseStatus | None:
    """The revision with the highest number."""
    stored = sorted(revisions, key=_number)
    return release_status(stored[-1]) if stored else None


def release_status(secret: Document) -> ReleaseStatus:
    """Helm keeps name, status and version as labels of the Secret it stores a revision in."""
    metadata = secret["metadata"]
    labels = metadata.get("labels") or {}
    return ReleaseStatus(
        labels.get("name", ""),
        metadata["namespace"],
        labels.get("status", "unknown"),
        labels.get(DIGEST_LABEL, ""),
        (secret.get("data") or {}).get("release", ""),
    )


def _number(secret: Document) -> int:
    version = (secret["metadata"].get("labels") or {}).get("version", "")
    return int(version) if version.isdecimal() else 0
