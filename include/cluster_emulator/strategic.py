"""Strategic merge patch: lists that are maps are merged by key, and directives ($patch, ...) are obeyed.

kubectl apply, `kubectl set` and `kubectl rollout` send it. `$setElementOrder` is ignored on purpose: it only orders
what is already merged.
"""

import copy

from cluster_emulator.listkeys import SETS, item_key, position
from cluster_emulator.objects import Json, Object

_FROM_PRIMITIVES = "$deleteFromPrimitiveList/"


def strategic_merge(target: Json, patch: Json, field: str = "") -> Json:
    if isinstance(patch, dict):
        return _merge_map(target if isinstance(target, dict) else {}, patch)
    if isinstance(patch, list):
        return _merge_list(target if isinstance(target, list) else [], patch, field)
    return patch


def _merge_map(target: Object, patch: Object) -> Object:
    if patch.get("$patch") == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if key != "$patch"}
    if patch.get("$patch") == "delete":
        return {}
    result = dict(target)
    if "$retainKeys" in patch:
        result = {key: value for key, value in result.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if key.startswith(_FROM_PRIMITIVES):
            _delete_primitives(result, key.removeprefix(_FROM_PRIMITIVES), value)
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = strategic_merge(result.get(key), value, key)
    return result


def _delete_primitives(target: Object, field: str, values: list[Json]) -> None:
    if field in target:
        target[field] = [value for value in target[field] if value not in values]


def _merge_list(target: list[Json], patch: list[Json], field: str) -> list[Json]:
    if {"$patch": "replace"} in patch:
        return [copy.deepcopy(item) for item in patch if item != {"$patch": "replace"}]
    if field in SETS:
        return [*target, *(item for item in patch if item not in target)]
    if not patch or not all(item_key(field, item) for item in patch):
        return copy.deepcopy(patch)
    result = list(target)
    for item in patch:
        _merge_item(result, item, field)
    return result


def _merge_item(items: list[Json], item: Object, field: str) -> None:
    key = item_key(field, item)
    at = position(field, items, key) if key else None
    if item.get("$patch") == "delete":
        if at is not None:
            del items[at]
    elif at is None:
        items.append(strategic_merge({}, item))
    else:
        items[at] = strategic_merge(items[at], item)
