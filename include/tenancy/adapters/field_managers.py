"""Who set a field of a Kubernetes object, by `metadata.managedFields`. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

Document = dict[str, Any]


def manager_of(document: Document, path: Sequence[str]) -> str:
    """The field manager that set the field last; empty if none is recorded.

    `path` has names of fields; an item of a list that is merged by name is `name=app`.
    """
    owners = [entry for entry in _entries(document) if _owns(entry.get("fieldsV1") or {}, path)]
    return str(max(owners, key=lambda entry: str(entry.get("time", "")))["manager"]) if owners else ""


def managers_of(document: Document, path: Sequence[str]) -> set[str]:
    """Every field manager that owns the field. There are several if they applied the same value."""
    return {str(entry["manager"]) for entry in _entries(document) if _owns(entry.get("fieldsV1") or {}, path)}


def _entries(document: Document) -> Iterator[Document]:
    for entry in document["metadata"].get("managedFields") or []:
        if entry.get("manager") and entry.get("fieldsV1"):
            yield entry


def _owns(fields: Document, path: Sequence[str]) -> bool:
    """A list or map without an entry for each item is atomic: its owner owns all that is in it."""
    for name in path:
        if not fields:
            return True
        found = next((fields[key] for key in fields if _is_key(key, name)), None)
        if found is None:
            return False
        fields = found
    return True


def _is_key(key: str, name: str) -> bool:
    if "=" in name:
        field, _, value = name.partition("=")
        return key.startswith("k:{") and f'"{field}":"{value}"' in key
    return key == f"f:{name}"
