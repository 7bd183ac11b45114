"""Helm's own record of a release: one Secret for each revision, with labels and the whole revision in it. Pure."""

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
    """How a release reaches the desired state."""

    INSTALL = "install"
    """There is no release."""
    UPGRADE = "upgrade"
    """Helm has a revision from which it can upgrade."""
    REPLACE = "uninstall, then install"
    """Helm refuses install and upgrade. It accepts only uninstall, which removes the history."""


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
"""Every status of Helm 4 (pkg/release/common). tests/integration/test_helm_statuses.py tries each."""


@dataclass(frozen=True)
class ReleaseStatus:
    """The newest revision of a Helm release. `digest` is of its chart and values."""

    name: str
    namespace: str
    status: str
    digest: str
    _stored: str = field(default="", repr=False)
    """The stored revision with its values, which hold secrets."""

    @property
    def action(self) -> ReleaseAction:
        """The action for its status. A status that a later Helm adds leads to a replacement."""
        return _ACTIONS.get(self.status, ReleaseAction.REPLACE)

    @property
    def pending(self) -> bool:
        """Did a Helm process die in the middle? The tenant's lock proves that none is still running."""
        return self.status.startswith("pending-") or self.status == "uninstalling"

    @property
    def manifest(self) -> str:
        """The manifests of the revision; empty if they cannot be read."""
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
    """The status in a Secret of Helm. Helm keeps name, status and version of the revision as its labels."""
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
