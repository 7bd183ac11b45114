"""Programs that no package index has. If one is missing, its tests are skipped, and fail in CI. For tests only."""

import os
import shutil
from typing import Final

import pytest

CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DEBIAN_PACKAGE: Final = {
    "chromium": "chromium",
    "knotd": "knot",
    "kubectl": "kubernetes-client",
    "redis-server": "redis-server",
}
_SERVERS: Final = "/usr/sbin"
"""Debian installs servers where only root's PATH looks, and they need no root."""


def require(*names: str) -> str:
    """The path of the first of these programs that is installed; else the test is skipped, in CI it fails."""
    path = f"{os.environ.get('PATH', os.defpath)}:{_SERVERS}"
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if found is None:
        missing = pytest.fail if os.environ.get("CI") else pytest.skip
        missing(f"{names[0]} is not installed (Debian: apt-get install {DEBIAN_PACKAGE[names[0]]})")
    return found
