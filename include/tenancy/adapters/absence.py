"""Decides whether a "not found" comes from the system itself. Pure.

Only an answer in the system's own format proves absence. A router answers `404 page not found` to every path, a proxy
sends its login page with status 200, and another API server does not know the kind. None of these proves anything about
the object.
"""

import json
from collections.abc import Mapping
from typing import Any


def states_kubernetes_absence(path: str, body: str | bytes | None) -> bool:
    """Is this an API server's Status document for "the object at this path does not exist"?

    `details` must name the object (Kubernetes 1.19 to 1.36). For an unknown kind the reason is NotFound, too, but there
    are no details. The path of a DELETE or GET ends with `<plural>/<name>`.
    """
    status = json_object_of(body)
    plural, name = path.rstrip("/").rsplit("/", 2)[-2:]
    details = status.get("details")
    return (
        (status.get("apiVersion"), status.get("kind"), status.get("reason")) == ("v1", "Status", "NotFound")
        and isinstance(details, Mapping)
        and (details.get("kind"), details.get("name")) == (plural, name)
    )


def json_object_of(body: str | bytes | None) -> dict[str, Any]:
    """The JSON object in a body; an empty one when there is none."""
    try:
        value = json.loads(body or "")
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
