"""Keys of `product.toml` that stand below a table's heading, so that TOML reads them as the table's own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

PATHS: Final = ("chart", "values", "migrations", "admin_account", "parameters")
"""The keys that name files."""
KEYS: Final = frozenset({"name", "version", "activities", "plans", *PATHS})
"""The keys of the file that are no tables."""


def hint(key: str, table: str) -> str:
    """What to add to "unknown key" when the key exists, only not in this table."""
    return f"; it stands below [{table}]; move it above the first table" if key in KEYS else ""


def misplaced(document: dict[str, Any], home: Path) -> Iterator[str]:
    """Those in tables that take any key: labels and outputs. Such a key may be meant, unless it names a file."""
    tables = {"labels": document.get("labels")}
    containers = document.get("container_activities")
    for name, container in containers.items() if isinstance(containers, dict) else ():
        if isinstance(container, dict):
            tables[f"container_activities.{name}.outputs"] = container.get("outputs")
    for place, table in tables.items():
        found = table if isinstance(table, dict) else {}
        wrong = [key for key in PATHS if key not in document and _names_a_file(found.get(key), home)]
        yield from (f"{key} has no effect{hint(key, place)}" for key in wrong)


def _names_a_file(value: Any, home: Path) -> bool:
    try:
        return isinstance(value, str) and bool(value.strip()) and "\0" not in value and (home / value).exists()
    except OSError:  # no file can have a name that is so long
        return False
