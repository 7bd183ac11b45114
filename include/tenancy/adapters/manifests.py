"""Compares a live object with the manifest that it was created from: what differs, and who changed it. Pure.

Only fields of the manifest are compared, because a server adds defaults and controllers add a status. If only our field
manager owns a differing field, an admission webhook changed it while we applied it; that is the cluster's rule and no
edit.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tenancy.adapters.field_managers import manager_of, managers_of
from tenancy.saga.quantities import same

Document = dict[str, Any]

_COMPARED: Final = ("spec", "data")
"""Labels and annotations are not compared: every controller may add to them, and the namespace's annotation proves
ownership."""
_HIDDEN: Final = "Secret"
"""A kind whose values are never shown."""
_SHORT: Final = 80
_KIND: Final = re.compile(r"(?m)^kind: [\"']?(\w+)[\"']?\s*$")
_API_VERSION: Final = re.compile(r"(?m)^apiVersion: [\"']?([\w./-]+)[\"']?\s*$")


@dataclass(frozen=True)
class Edit:
    """One field that somebody changed. `path` is in kubectl's notation; `by` is empty if no field manager is
    recorded."""

    kind: str
    path: str
    asked: Any
    actual: Any
    by: str = ""

    def __str__(self) -> str:
        by = f" (by {self.by})" if self.by else ""
        if self.kind == _HIDDEN:
            return f"its Secret was edited: {self.path}{by}"
        return (
            f"its {self.kind} was edited: {self.path} is {_short(self.actual)}, asked for was {_short(self.asked)}{by}"
        )


def edits(asked: Document, actual: Document, ours: Collection[str]) -> list[Edit]:
    """Every field in which the live object differs from the manifest `asked`; `ours` are our own field managers."""
    found = (
        difference
        for part in _COMPARED
        if part in asked
        for difference in _differences(asked[part], actual.get(part), (part,))
    )
    return [
        Edit(str(asked["kind"]), _written(path), desired, live, manager_of(actual, path))
        for path, desired, live in found
        if not _is_ours(actual, path, ours)
    ]


def documents(manifest: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each document in a release's manifest. They are not parsed, because parsing YAML takes long."""
    for text in re.split(r"(?m)^---\s*$", manifest):
        if kind := _KIND.search(text):
            yield kind[1], text


def api_version(text: str) -> str:
    """The apiVersion in the text of a document; empty if it has none."""
    found = _API_VERSION.search(text)
    return found[1] if found else ""


def _is_ours(actual: Document, path: tuple[str, ...], ours: Collection[str]) -> bool:
    managers = managers_of(actual, path)
    return bool(managers) and managers <= set(ours)


def _differences(asked: Any, actual: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if isinstance(asked, Mapping):
        there = actual if isinstance(actual, Mapping) else {}
        for name, value in asked.items():
            yield from _differences(value, there.get(name), (*path, str(name)))
    elif isinstance(asked, list):
        yield from _in_list(asked, actual, path)
    elif not _same(asked, actual, path):
        yield path, asked, actual


def _in_list(asked: list[Any], actual: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Items with a name are compared by name, not by position: a webhook may have added others."""
    there = actual if isinstance(actual, list) else []
    by_name = {item.get("name"): item for item in reversed(there) if isinstance(item, Mapping)}
    for number, item in enumerate(asked):
        if isinstance(item, Mapping) and "name" in item:
            yield from _differences(item, by_name.get(item["name"]), (*path, f"name={item['name']}"))
        else:
            yield from _differences(item, there[number] if number < len(there) else None, (*path, str(number)))


def _same(asked: Any, actual: Any, path: tuple[str, ...]) -> bool:
    """Compares scalars. A server writes quantities in its own way and omits empty values. More replicas than stated are
    equal."""
    if path == ("spec", "replicas") and isinstance(asked, int) and isinstance(actual, int):
        return actual >= asked  # an autoscaler may add pods; what is promised is the plan's number
    if asked == actual or (actual is None and asked in ("", 0, False, None)):
        return True
    return "resources" in path and same({"": str(asked)}, {"": str(actual)})


def _written(path: tuple[str, ...]) -> str:
    text = ".".join(path)
    return re.sub(r"\.name=([^.]*)", r"[\1]", re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", text))


def _short(value: Any) -> str:
    text = "missing" if value is None else str(value)
    return text if len(text) <= _SHORT else text[: _SHORT - 1] + "…"
