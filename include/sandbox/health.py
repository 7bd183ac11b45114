"""Reads a running Airflow's health over HTTP. Standard library only, because a second `up` must be quick."""

import json
import urllib.request
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sandbox.components import Component
from sandbox.ports import HOST

Report = dict[str, Any]

# Without this, a proxy from the environment would get requests for 127.0.0.1 too.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def report(api_port: int, *, timeout_seconds: float = 3.0) -> Report | None:
    """Airflow's own health report, or None when the api-server does not respond."""
    address = f"http://{HOST}:{api_port}/api/v2/monitor/health"
    try:
        with _opener.open(address, timeout=timeout_seconds) as answer:
            document = json.load(answer)
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) else None


def is_healthy(health: Report | None, component: Component, *, since: float = 0.0) -> bool:
    """Healthy in the report, with a heartbeat after `since`: that of a killed process counts for another 30 s."""
    if health is None:
        return False
    if component.health_name is None:
        return _status(health, "metadatabase") == "healthy"
    beat = (health.get(component.health_name) or {}).get(f"latest_{component.health_name}_heartbeat")
    if _status(health, component.health_name) != "healthy" or not beat:
        return False
    return datetime.fromisoformat(beat).timestamp() >= since


def all_healthy(health: Report | None, components: Iterable[Component]) -> bool:
    return all(is_healthy(health, component) for component in components)


def _status(health: Report, part: str) -> str | None:
    status = (health.get(part) or {}).get("status")
    return str(status) if status else None
