"""Which objects a workload's label selector matches. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

Document = dict[str, Any]


def selected(selector: Document | None, documents: Iterable[Document]) -> list[Document]:
    """The documents whose labels match; none without a selector, which would match everything."""
    if not selector:
        return []
    return [each for each in documents if _matches(selector, each["metadata"].get("labels") or {})]


def _matches(selector: Document, labels: Mapping[str, str]) -> bool:
    equal = (selector.get("matchLabels") or {}).items() <= labels.items()
    return equal and all(_holds(each, labels) for each in selector.get("matchExpressions") or [])


def _holds(expression: Document, labels: Mapping[str, str]) -> bool:
    key, values = expression["key"], expression.get("values") or []
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
