"""Lists that are really maps or sets: the keys by which Kubernetes distinguishes their items.

Strategic merge and server-side apply both need it. The table is written out because the Python client's models do not
contain `x-kubernetes-list-map-keys`. Every list that it does not name is replaced as a whole, as in the real API.
"""

from typing import Final, TypeAlias

from cluster_emulator.objects import Json

ItemKey: TypeAlias = tuple[tuple[str, Json], ...]

_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
# A container's ports have other keys than a service's.
_CONTAINER_PORT: Final = ("containerPort", "protocol")
_SERVICE_PORT: Final = ("port", "protocol")
SETS: Final = frozenset({"finalizers"})


def item_key(field: str, item: Json) -> ItemKey | None:
    """What identifies `item` in the list `field`, None when that list is no map."""
    if not isinstance(item, dict):
        return None
    names = _KEYS.get(field)
    if field == "ports":
        names = _CONTAINER_PORT if "containerPort" in item else _SERVICE_PORT
    if names is None or names[0] not in item:
        return None
    return tuple((name, item.get(name, "TCP" if name == "protocol" else "")) for name in names)


def is_map_list(field: str, items: Json) -> bool:
    return isinstance(items, list) and bool(items) and all(item_key(field, item) for item in items)


def position(field: str, items: list[Json], key: ItemKey) -> int | None:
    return next((i for i, item in enumerate(items) if item_key(field, item) == key), None)
