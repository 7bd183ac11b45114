"""What a URL means: which kind, where, which object, which subresource.

`server.py` parses every API path here once; the fault gate uses the namespace found. Query parameters are left to
the verbs.
"""

from dataclasses import dataclass

from cluster_emulator import api_errors
from cluster_emulator.history import Key
from cluster_emulator.kinds import BY_PATH, NAMESPACE, Kind


@dataclass(frozen=True, slots=True)
class RequestTarget:
    """The object or collection a request is about."""

    kind: Kind
    namespace: str
    name: str = ""
    subresource: str = ""

    @property
    def key(self) -> Key:
        return Key(self.kind, self.namespace, self.name)

    @property
    def fault_namespace(self) -> str:
        """The namespace whose faults apply to it: a Namespace object is in its own."""
        return self.name if self.kind is NAMESPACE else self.namespace


@dataclass(frozen=True, slots=True)
class ApiPath:
    """`/api/v1/...` or `/apis/group/version/...` taken apart."""

    group: str
    version: str
    rest: tuple[str, ...]


def split(path: str) -> ApiPath | None:
    """None when the path is not below /api or /apis."""
    steps = [step for step in path.split("/") if step]
    if steps[:1] == ["api"]:
        return ApiPath("", steps[1] if len(steps) > 1 else "", tuple(steps[2:]))
    if steps[:1] == ["apis"]:
        group, version, *rest = [*steps[1:], "", ""][: max(2, len(steps) - 1)]
        return ApiPath(group, version, tuple(rest))
    return None


def target(path: ApiPath) -> RequestTarget:
    """404 when no kind is served there."""
    steps, namespace = list(path.rest), ""
    inside = len(steps) > 2 and steps[0] == "namespaces" and steps[2] not in ("status", "finalize")
    if inside:
        namespace, steps = steps[1], steps[2:]
    kind = BY_PATH.get((path.group, path.version, steps[0]))
    if kind is None or len(steps) > 3 or (inside and not kind.namespaced):
        raise api_errors.no_such_resource()
    name, subresource = [*steps[1:], "", ""][:2]
    return RequestTarget(kind, namespace, name, subresource)
