"""Deliberate faults: the list, whom each concerns, and its storage over restarts.

Set, listed and cleared by REST (`fault_routes.py`). The HTTP layer, the quota check, the kubelet and the ingress
listener ask it. It decides only *whether* a fault is active; those modules implement its effect.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Final

from cluster_emulator import api_errors
from cluster_emulator.disk import Disk
from cluster_emulator.history import Key
from cluster_emulator.kinds import NAMESPACE
from cluster_emulator.objects import Object, decode, encode
from cluster_emulator.selectors import all_hold, parse_labels
from cluster_emulator.store import Store


class FaultKind(StrEnum):
    """Each fault that can be played."""

    SLOW_START = "slow-start"  # pods take `seconds` longer to become ready
    IMAGE_PULL = "image-pull-backoff"  # the image cannot be pulled
    CRASH_LOOP = "crash-loop-backoff"  # the container ends right after its start, again and again
    UNSCHEDULABLE = "unschedulable"  # no node fits
    QUOTA = "quota-exceeded"  # creating `resource` is refused as over quota
    HTTP_500 = "http-500"  # the API server answers 500
    HTTP_429 = "http-429"  # the API server answers 429 with Retry-After: `retry_after`
    HANG = "hang"  # the API server takes the request and never answers
    REFUSE = "refuse"  # the connection is cut without an answer
    SLOW = "slow"  # every answer comes `milliseconds` late
    FORBIDDEN = "forbidden"  # our token lacks the right to `verb` (any) `resource`
    DENIED = "admission-denied"  # an admission webhook refuses to create `resource`, with `message`
    WEBHOOK = "webhook-down"  # the admission webhook for creating `resource` does not respond
    NODE = "node-silent"  # the node's kubelet is dead: pods neither start nor end
    ROUTER_404 = "router-404"  # a router answers every request with its own 404 page
    LOGIN_PAGE = "login-page"  # a proxy answers every request with 200 and its login page
    OTHER_CLUSTER = "other-cluster"  # another, empty cluster answers
    INGRESS_DOWN = "ingress-down"  # the ingress listener cuts every connection


POD_FAULTS: Final = (
    FaultKind.UNSCHEDULABLE,
    FaultKind.IMAGE_PULL,
    FaultKind.CRASH_LOOP,
    FaultKind.SLOW_START,
)
HTTP_FAULTS: Final = (
    FaultKind.HANG,
    FaultKind.REFUSE,
    FaultKind.HTTP_500,
    FaultKind.HTTP_429,
    FaultKind.ROUTER_404,
    FaultKind.LOGIN_PAGE,
    FaultKind.OTHER_CLUSTER,
    FaultKind.SLOW,
)
FOREIGN_ANSWERS: Final = (FaultKind.ROUTER_404, FaultKind.LOGIN_PAGE, FaultKind.OTHER_CLUSTER)
OPERATIONS: Final = ("get", "write", "watch")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. Without `namespace` and `selector` it concerns the whole cluster, with all its regions."""

    id: str
    kind: FaultKind
    namespace: str = ""
    selector: str = ""  # a label selector on namespaces: for namespaces whose names are not known yet
    on: tuple[str, ...] = OPERATIONS
    seconds: float = 0
    milliseconds: float = 0
    retry_after: int = 1
    resource: str = "pods"
    verb: str = ""
    message: str = "the cluster does not allow it"

    @property
    def regional(self) -> bool:
        return not self.namespace and not self.selector

    def document(self) -> Object:
        return asdict(self)


def parse(document: Object) -> Fault:
    """A fault from its JSON; 400 with the reason when it is none."""
    known = {field.name for field in fields(Fault)} - {"id"}
    unknown = sorted(set(document) - known - {"id"})
    if unknown:
        raise api_errors.bad_request(f"a fault has no field {', '.join(unknown)}; it has: {', '.join(sorted(known))}")
    try:
        kind = FaultKind(document.get("kind", ""))
    except ValueError as error:
        raise api_errors.bad_request(f"a fault's kind is one of: {', '.join(FaultKind)}") from error
    operations = tuple(document.get("on") or OPERATIONS)
    if not set(operations) <= set(OPERATIONS):
        raise api_errors.bad_request(f"a fault is `on` some of: {', '.join(OPERATIONS)}")
    parse_labels(document.get("selector", ""))
    fault_id = document.get("id") or uuid.uuid4().hex[:8]
    return Fault(**{**document, "id": fault_id, "kind": kind, "on": operations})


class ActiveFaults:
    """All active faults."""

    def __init__(self, disk: Disk, store: Store) -> None:
        self._disk, self._store = disk, store
        self._faults = {fault.id: fault for fault in map(parse, map(decode, disk.faults()))}
        self.on_change: list[Callable[[Fault], None]] = []

    def all(self) -> list[Fault]:
        return list(self._faults.values())

    def add(self, fault: Fault) -> None:
        self._disk.save_fault(fault.id, encode(fault.document()))
        self._faults[fault.id] = fault
        self._tell(fault)

    def clear(self, chosen: Iterable[Fault]) -> None:
        for fault in list(chosen):
            self._disk.erase_fault(fault.id)
            del self._faults[fault.id]
            self._tell(fault)

    def find(
        self, kinds: Iterable[FaultKind], namespace: str, operation: str = "", new: Mapping[str, str] | None = None
    ) -> Fault | None:
        """The first active fault of these kinds for the namespace ("" stands for the whole cluster). `new` are the
        labels of a namespace that is about to be created."""
        if not self._faults:
            return None
        return next(
            (
                fault
                for kind in kinds
                for fault in self._faults.values()
                if fault.kind is kind
                and (not operation or operation in fault.on)
                and self.concerns(fault, namespace, new)
            ),
            None,
        )

    def concerns(self, fault: Fault, namespace: str, new: Mapping[str, str] | None = None) -> bool:
        if fault.regional:
            return True
        if new and fault.selector and not fault.namespace:
            return all_hold(parse_labels(fault.selector), dict(new))
        if not namespace or (fault.namespace and fault.namespace != namespace):
            return False
        if not fault.selector:
            return True
        record = self._store.find(Key(NAMESPACE, "", namespace))
        return record is not None and all_hold(parse_labels(fault.selector), record.selectable.labels)

    def _tell(self, fault: Fault) -> None:
        for listener in self.on_change:
            listener(fault)
