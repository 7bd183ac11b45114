"""Reads the table `[quota]` of a product's file."""

from collections.abc import Iterator
from typing import Any, Final

from tenancy.adapters.misplaced_keys import hint
from tenancy.saga.product import ExtraQuota
from tenancy.saga.quantities import amount

_KEYS: Final = ("pods", "cpu", "memory")
_MOST_PODS: Final = 1000


def read_quota(table: Any) -> tuple[ExtraQuota, list[str]]:
    """The quota, and what is wrong with the table."""
    if not isinstance(table, dict):
        return ExtraQuota(), ["quota must be a table"]
    problems = list(_problems(table))
    return (ExtraQuota(), problems) if problems else (ExtraQuota(**table), [])


def _problems(table: dict[str, Any]) -> Iterator[str]:
    for key in (key for key in table if key not in _KEYS):
        yield f"quota: unknown key {key} (there are: {', '.join(_KEYS)}){hint(key, 'quota')}"
    pods = table.get("pods", 0)
    if isinstance(pods, bool) or not isinstance(pods, int) or not 0 <= pods <= _MOST_PODS:
        yield f"quota: pods must be a whole number from 0 to {_MOST_PODS}"
    for key in ("cpu", "memory"):
        if not _is_quantity(table.get(key, "0")):
            yield f"quota: {key} must be a Kubernetes quantity such as 250m or 256Mi"


def _is_quantity(value: Any) -> bool:
    try:
        return isinstance(value, str) and amount(value) >= 0
    except ValueError:
        return False
