"""Sets, lists and clears faults of all parts of the sandbox.

The command line, tests and `down` use it. A list shows the real state: also that a fault is no longer in effect.
"""

import builtins
import json
import sqlite3
import urllib.error
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from cluster_emulator.disk import Disk
from sandbox import ports
from sandbox.access import Access
from sandbox.cluster_server import FAULTS
from sandbox.faults import catalogue
from sandbox.faults.effects import EFFECTS
from sandbox.faults.records import FaultRecords, PlatformFault
from sandbox.faults.tenants import selector
from sandbox.layout import Layout
from sandbox.problems import SandboxError

# First, because a stopped server cannot clear its other faults.
_CLEARED_FIRST: Final = ("storage-stopped", "api-server-stopped")


@dataclass(frozen=True)
class FaultStatus:
    """One fault as it is now. `in_effect` is None when that is unknown, as in a stopped server."""

    id: str
    kind: str
    on: str
    in_effect: bool | None
    options: dict[str, Any]


class FaultClient:
    """The faults of the sandbox at `layout`, which must be up."""

    def __init__(self, layout: Layout) -> None:
        self._access = Access(layout)
        self._records = FaultRecords(layout)

    def set(self, name: str, **options: Any) -> FaultStatus:
        """Set a fault. Raises SandboxError when that fails, and then leaves nothing of it behind."""
        kind = catalogue.checked(name, options)
        if kind in catalogue.CLUSTER:
            return self._set_in_cluster(name, options)
        if any(fault.kind == name for fault in self._records.all()):
            raise SandboxError(f"{name} is set already; clear it first.")
        fault = self._records.add(name, options.get("tenant", ""))
        try:
            EFFECTS[name].begin(self._access, fault)
        except BaseException:
            self._undo(fault)
            raise
        return self._status_of(fault)

    def list(self) -> list[FaultStatus]:
        inside = self._ask("GET")["faults"] if self._cluster_answers else []
        return [*map(_status_in_cluster, inside), *map(self._status_of, self._records.all())]

    def clear(self, fault_id: str = "") -> "builtins.list[str]":
        """Clear the fault with this id, or all. Returns the ids cleared; raises SandboxError for an unknown id."""
        chosen = [fault for fault in self._records.all() if fault_id in ("", fault.id)]
        for fault in sorted(chosen, key=lambda fault: fault.kind not in _CLEARED_FIRST):
            self._undo(fault)
        gone = [fault.id for fault in chosen]
        if not (fault_id and gone):
            gone += self._clear_in_cluster(fault_id)
        if fault_id and not gone:
            raise SandboxError(f"There is no fault {fault_id}; `fault list` shows those that are set.")
        return gone

    def clear_for_shutdown(self) -> None:
        """For `down`: a fault whose server is dead stays recorded and is cleared later."""
        for fault in sorted(self._records.all(), key=lambda fault: fault.kind not in _CLEARED_FIRST):
            with suppress(SandboxError):
                self._undo(fault)
        if self._cluster_answers:
            self._clear_in_cluster("")
        else:
            self._erase_in_stopped_cluster()

    def _erase_in_stopped_cluster(self) -> None:
        """Its faults are stored on disk with its objects and would return with them."""
        if (self._access.layout.cluster / "cluster.sqlite").exists():
            with suppress(sqlite3.OperationalError):  # it hangs and holds its file: the next `down` tries again
                disk = Disk(self._access.layout.cluster / "cluster.sqlite")
                for body in disk.faults():
                    disk.erase_fault(json.loads(body)["id"])
                disk.close()

    def _undo(self, fault: PlatformFault) -> None:
        EFFECTS[fault.kind].end(self._access, fault)
        self._records.forget(fault)

    def _set_in_cluster(self, name: str, options: dict[str, Any]) -> FaultStatus:
        chosen = selector(tenant=options.pop("tenant", ""), region=options.pop("region", ""))
        return _status_in_cluster(self._ask("POST", {"kind": name, "selector": chosen, **options}))

    def _clear_in_cluster(self, fault_id: str) -> "builtins.list[str]":
        if not self._cluster_answers:
            return []
        known = [fault["id"] for fault in self._ask("GET")["faults"] if fault_id in ("", fault["id"])]
        for each in known:
            self._ask("DELETE", path=f"{FAULTS}/{each}")
        return known

    @property
    def _cluster_answers(self) -> bool:
        return "cluster" in ports.recorded(self._access.layout.ports) and self._access.cluster.healthy()

    def _ask(self, method: str, body: dict[str, Any] | None = None, path: str = FAULTS) -> dict[str, Any]:
        try:
            return self._access.cluster.ask(method, path, body)
        except urllib.error.HTTPError as error:
            raise SandboxError(f"The cluster refuses this fault: {error.read().decode()[:300]}") from error
        except OSError as error:
            raise SandboxError(
                f"The cluster does not respond ({error}); `python -m sandbox up` restarts it."
            ) from error

    def _status_of(self, fault: PlatformFault) -> FaultStatus:
        return FaultStatus(fault.id, fault.kind, fault.tenant or "all", self._holds(fault), {})

    def _holds(self, fault: PlatformFault) -> bool | None:
        try:
            return EFFECTS[fault.kind].holds(self._access, fault)
        except SandboxError:  # its server does not respond
            return None


_DEFAULTS: Final = {
    "on": ["get", "write", "watch"],
    "resource": "pods",
    "retry_after": 1,
    "verb": "",
    "message": "the cluster does not allow it",
}


def _status_in_cluster(document: dict[str, Any]) -> FaultStatus:
    where = document["namespace"] or document["selector"] or "all"
    takes = catalogue.BY_NAME[document["kind"]].takes
    options = {name: document[name] for name in takes if document[name] not in (0, _DEFAULTS.get(name))}
    return FaultStatus(document["id"], document["kind"], where, in_effect=True, options=options)
