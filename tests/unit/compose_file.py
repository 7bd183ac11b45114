"""docker-compose.yaml as plain values, merges done, as the tests read it."""

from typing import Any, Final

import yaml

from sandbox.layout import PROJECT

TEXT: Final = (PROJECT / "docker-compose.yaml").read_text()
FILE: Final[dict[str, Any]] = yaml.safe_load(TEXT)
SERVICES: Final[dict[str, dict[str, Any]]] = FILE["services"]
AIRFLOWS: Final = {name: service for name, service in SERVICES.items() if service["image"].startswith("tenancy:")}
LASTING: Final = {name: service for name, service in SERVICES.items() if service["restart"] != "no"}


def environment(service: str) -> dict[str, str]:
    """What is set in the file itself."""
    return dict(SERVICES[service].get("environment", {}))


def env_file(name: str) -> dict[str, str]:
    """Compose's env_file, as it takes one without quotes."""
    lines = (PROJECT / name).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
