"""What the emulator's only token may do: everything, but what a fault takes away. RBAC's verbs and its answers.

`server.py` asks before a request is handled, `reviews.py` when a client asks what it may do.
"""

from typing import Final

from aiohttp import web

from cluster_emulator import api_errors
from cluster_emulator.faults import ActiveFaults, FaultKind
from cluster_emulator.objects import Object
from cluster_emulator.targets import RequestTarget
from cluster_emulator.watch import is_watch

USER: Final = "emulator-admin"
_WRITES: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_ON_OBJECTS: Final = {**_WRITES, "GET": "get", "HEAD": "get"}
_ON_COLLECTIONS: Final = {**_WRITES, "GET": "list", "HEAD": "list", "DELETE": "deletecollection"}


class Rights:
    """The token's rights."""

    def __init__(self, faults: ActiveFaults) -> None:
        self._faults = faults

    def check(self, request: web.Request, target: RequestTarget) -> None:
        """403 with RBAC's message if the token may not do it."""
        verbs = _ON_OBJECTS if target.name else _ON_COLLECTIONS
        verb = "watch" if is_watch(request) else verbs.get(request.method, "")
        resource = f"{target.kind.plural}/{target.subresource}" if target.subresource else target.kind.plural
        if not self.allows(verb, resource, target.fault_namespace):
            raise api_errors.missing_right(
                target.kind, target.subresource, target.name, target.namespace, user=USER, verb=verb
            )

    def allows(self, verb: str, resource: str, namespace: str) -> bool:
        """Does no fault take this right away?"""
        taken = (fault for fault in self._faults.all() if fault.kind is FaultKind.FORBIDDEN)
        return not any(
            fault.resource == resource and fault.verb in ("", verb) and self._faults.concerns(fault, namespace)
            for fault in taken
        )

    def answers(self, review: Object) -> Object:
        """The status of a SelfSubjectAccessReview."""
        asked = (review.get("spec") or {}).get("resourceAttributes") or {}
        resource = "/".join(filter(None, (asked.get("resource", ""), asked.get("subresource", ""))))
        allowed = self.allows(asked.get("verb", ""), resource, asked.get("namespace", ""))
        return {"allowed": allowed, "reason": "the emulator's token may do everything" if allowed else "a fault"}
