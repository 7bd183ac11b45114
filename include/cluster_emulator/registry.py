"""The one way to create, change and apply objects: defaults, checks, generation, managedFields, resourceVersion.

The HTTP verbs and the controllers both come through here, so both obey the same rules. Deletion has its own file.
Everything is synchronous: one event loop, one writer, so a read and the write that follows are one step.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cluster_emulator import api_errors, apply, defaults, managers, validation
from cluster_emulator.admission import Admission
from cluster_emulator.apply import Declaration
from cluster_emulator.clock import Clock
from cluster_emulator.history import Key
from cluster_emulator.kinds import EVENT, NAMESPACE, POD, SERVICE, Kind
from cluster_emulator.managers import FieldManager
from cluster_emulator.objects import Object, meta
from cluster_emulator.store import Store

_SERVER_OWNED: Final = (
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "name",
    "namespace",
    "generateName",
    "resourceVersion",
)
_SERVICE_KEEPS: Final = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Who writes ("" is not tracked: what a controller creates), and whether only to see what would happen."""

    manager: str = ""
    dry_run: bool = False


BY_CONTROLLER: Final = WriteOptions()
_CONTROLLER: Final = WriteOptions("kube-controller-manager")
_CONTROLLERS: Final = {POD: WriteOptions("kubelet"), EVENT: BY_CONTROLLER}
"""Who writes to a kind from inside. Events are not tracked: nobody applies them, and they are half of all writes."""


class Registry:
    """Writes objects into the store."""

    def __init__(self, store: Store, admission: Admission, clock: Clock) -> None:
        self.store, self.clock = store, clock
        self._admission = admission

    def create(self, kind: Kind, namespace: str, obj: Object, options: WriteOptions = BY_CONTROLLER) -> Object:
        """The object as stored. Raises 404, 403, 409 (AlreadyExists) or 422."""
        self._put_identity(kind, namespace, obj)
        key = Key(kind, namespace if kind.namespaced else "", obj["metadata"]["name"])
        if self.store.find(key):
            raise api_errors.already_exists(kind, key.name)
        if kind.has_status:
            obj["status"] = {}
        defaults.complete(kind, obj)
        validation.check(kind, obj)
        self._admission.admit(kind, key.namespace, obj)
        if options.manager:
            manager = FieldManager(options.manager, "Update")
            managers.record_update(None, obj, manager, self.clock.stamp())
        if not options.dry_run:
            self.store.write(key, obj)
        return obj

    def _put_identity(self, kind: Kind, namespace: str, obj: Object) -> None:
        metadata = meta(obj)
        if metadata.get("resourceVersion"):
            raise api_errors.bad_request("resourceVersion should not be set on objects to be created")
        if not metadata.get("name"):
            prefix = metadata.get("generateName", "")
            metadata["name"] = prefix + uuid.uuid4().hex[:5] if prefix else ""
        for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "namespace"):
            metadata.pop(name, None)
        if kind.namespaced:
            metadata["namespace"] = namespace
        metadata.update(uid=str(uuid.uuid4()), creationTimestamp=self.clock.stamp(), generation=1)

    def update(self, key: Key, new: Object, options: WriteOptions = BY_CONTROLLER, subresource: str = "") -> Object:
        """Puts `new` in the place of what is there. Raises 404, 409 (stale resourceVersion) or 422."""
        live = self.store.get(key).document()
        _must_be_current(key, new, live)
        obj = _with_status(live, new) if subresource == "status" else _carried_over(key.kind, live, new)
        if options.manager:
            managers.write(obj, managers.read(live))
            manager = FieldManager(options.manager, "Update", subresource)
            managers.record_update(live, obj, manager, self.clock.stamp())
        return self._settle(key, live, obj, dry_run=options.dry_run, checked=subresource != "status")

    def change(self, key: Key, edit: Callable[[Object], None], subresource: str = "") -> Object:
        """A controller's read, edit, write. It leaves managed fields, as a real one does."""
        obj = self.store.get(key).document()
        edit(obj)
        return self.update(key, obj, _CONTROLLERS.get(key.kind, _CONTROLLER), subresource)

    def apply(self, key: Key, declaration: Declaration, *, dry_run: bool = False) -> tuple[Object, bool]:
        """Server-side apply. Also returns whether it created the object. Raises 409 with the conflicts."""
        record = self.store.find(key)
        if record is None:
            obj = apply.created(declaration, self.clock.stamp())
            obj["metadata"].pop("resourceVersion", None)
            made = self.create(key.kind, key.namespace, obj, WriteOptions(dry_run=dry_run))
            return made, True
        live = record.document()
        _must_be_current(key, declaration.config, live)
        merged = apply.merged(live, declaration, self.clock.stamp())
        if declaration.manager.subresource == "status":
            obj = _with_status(live, merged)
        else:
            obj = _carried_over(key.kind, live, merged)
        obj["metadata"]["managedFields"] = merged["metadata"].get("managedFields", [])
        return self._settle(key, live, obj, dry_run=dry_run, checked=True), False

    def _settle(self, key: Key, live: Object, obj: Object, *, dry_run: bool, checked: bool) -> Object:
        if checked:
            defaults.complete(key.kind, obj)
            validation.check(key.kind, obj, live)
            if _desired(obj) != _desired(live):
                obj["metadata"]["generation"] = live["metadata"].get("generation", 1) + 1
        if obj == live or dry_run:
            return obj
        if _let_go(key.kind, obj):
            return self.store.remove(key)
        self.store.write(key, obj)
        return obj


def _must_be_current(key: Key, new: Object, live: Object) -> None:
    metadata = meta(new)
    if metadata.get("uid") and metadata["uid"] != live["metadata"]["uid"]:
        why = (
            f"Precondition failed: UID in precondition: {metadata['uid']}, "
            f"UID in object meta: {live['metadata']['uid']}"
        )
        raise api_errors.conflict(key.kind, key.name, why)
    version = metadata.get("resourceVersion")
    if version and version != live["metadata"]["resourceVersion"]:
        raise api_errors.conflict(key.kind, key.name)


def _with_status(live: Object, new: Object) -> Object:
    obj = {**live, "metadata": dict(live["metadata"])}
    if "status" in new:
        obj["status"] = new["status"]
    return obj


def _carried_over(kind: Kind, live: Object, new: Object) -> Object:
    """The new object with what no client may change taken from the live one."""
    metadata = {key: value for key, value in meta(new).items() if key not in _SERVER_OWNED}
    metadata |= {key: live["metadata"][key] for key in _SERVER_OWNED if key in live["metadata"]}
    if "managedFields" in live["metadata"]:
        metadata["managedFields"] = live["metadata"]["managedFields"]
    obj = {**new, "metadata": metadata}
    if kind.has_status:
        obj.pop("status", None)
        if "status" in live:
            obj["status"] = live["status"]
    if kind is SERVICE and "spec" in obj:
        kept = {name: live["spec"][name] for name in _SERVICE_KEEPS if name in live["spec"]}
        obj["spec"] = {**kept, **obj["spec"]}
    return obj


def _desired(obj: Object) -> Object:
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}


def _let_go(kind: Kind, obj: Object) -> bool:
    """The object is to be deleted and no finalizer remains."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if kind is NAMESPACE:
        return not obj["spec"].get("finalizers")
    return not metadata.get("deletionGracePeriodSeconds")
