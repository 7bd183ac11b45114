"""Which fields an object sets: the sets of paths that server-side apply reasons with, and their FieldsV1 form.

`managers.py` and `apply.py` use it. A path is a tuple of FieldsV1 steps: `f:spec`, `k:{"name":"app"}`, `v:"x"`.
The notation is documented at kubernetes.io under "Server-Side Apply"; atomic lists and selectors are one leaf.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Final, TypeAlias

from cluster_emulator.listkeys import SETS, ItemKey, is_map_list, item_key
from cluster_emulator.objects import Json, Object

Path: TypeAlias = tuple[str, ...]
FieldSet: TypeAlias = dict[Path, Json]  # path -> the value at it

_ATOMIC_MAPS: Final = frozenset({"selector", "nodeSelector", "labelSelector"})
_NOT_OWNED: Final = frozenset({"apiVersion", "kind"})
_METADATA_OWNED: Final = frozenset({"labels", "annotations", "finalizers", "ownerReferences", "generateName"})
_ITEM: Final = "."


def _key_step(key: ItemKey) -> str:
    return "k:" + json.dumps(dict(key), separators=(",", ":"), sort_keys=True)


def field_set(obj: Object) -> FieldSet:
    """Every field the object sets, without its identity and what only the server writes."""
    owned: FieldSet = {}
    for name, value in obj.items():
        if name == "metadata":
            inside = {key: item for key, item in value.items() if key in _METADATA_OWNED}
            owned.update(_leaves(inside, ("f:metadata",)) if inside else ())
        elif name not in _NOT_OWNED:
            owned.update(_leaves(value, (f"f:{name}",), name))
    return owned


def _leaves(value: Json, path: Path, field: str = "") -> Iterator[tuple[Path, Json]]:
    if isinstance(value, dict) and value and field not in _ATOMIC_MAPS:
        for name, item in value.items():
            yield from _leaves(item, (*path, f"f:{name}"), name)
    elif field in SETS and isinstance(value, list):
        yield from (((*path, "v:" + json.dumps(item)), item) for item in value)
    elif is_map_list(field, value):
        yield from _item_leaves(value, path, field)
    else:
        yield path, value


def _item_leaves(items: list[Object], path: Path, field: str) -> Iterator[tuple[Path, Json]]:
    for item in items:
        here = (*path, _key_step(item_key(field, item) or ()))
        yield here, None  # the item itself; None is never compared with another manager's
        for name, value in item.items():
            yield from _leaves(value, (*here, f"f:{name}"), name)


def to_fields_v1(paths: Iterable[Path]) -> Object:
    tree: Object = {}
    for path in sorted(paths):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        if path[-1].startswith("k:"):
            node[_ITEM] = {}
    return tree


def from_fields_v1(tree: Object, path: Path = ()) -> Iterator[Path]:
    for step, below in tree.items():
        if step == _ITEM:
            yield path
        elif below:
            yield from from_fields_v1(below, (*path, step))
        else:
            yield (*path, step)


def words(path: Path) -> str:
    """`.spec.template.spec.containers[name="app"].image`"""
    text = ""
    for step in path:
        mark, name = step[0], step[2:]
        if mark == "k":
            text += "[" + ",".join(f"{k}={json.dumps(v)}" for k, v in json.loads(name).items()) + "]"
        else:
            text += f"[={name}]" if mark == "v" else f".{name}"
    return text


def names_its_item(path: Path) -> bool:
    """Whether the field is what its list item is known by, which goes only with the item."""
    parent, step = path[-2:] if len(path) > 1 else ("", path[0])
    return parent.startswith("k:") and step[2:] in json.loads(parent[2:])


def without(obj: Json, path: Path, field: str = "") -> Json:
    """The object without the value at `path`; unchanged if there is none."""
    step, rest = path[0], path[1:]
    if step.startswith("f:") and isinstance(obj, dict) and step[2:] in obj:
        name = step[2:]
        if not rest:
            return {key: value for key, value in obj.items() if key != name}
        return {**obj, name: without(obj[name], rest, name)}
    if isinstance(obj, list) and step.startswith("k:"):
        return _without_item(obj, step, rest, field)
    if isinstance(obj, list) and step.startswith("v:"):
        return [item for item in obj if json.dumps(item) != step[2:]]
    return obj


def _without_item(items: list[Json], step: str, rest: Path, field: str) -> list[Json]:
    kept = []
    for item in items:
        if _key_step(item_key(field, item) or ()) != step:
            kept.append(item)
        elif rest:
            kept.append(without(item, rest))
    return kept
