"""Where the cluster's state lies between two lives: one SQLite file.

`store.py` and `faults.py` write through it, one small transaction a write, before anybody is told that it happened.
WAL with synchronous=NORMAL: a committed write is in the operating system's cache, so it survives kill -9 of this
process; only a power cut may cost the last moments (never consistency), and an emulated cluster need not outlive one.
The exclusive lock makes a second server on the same folder fail at once instead of diverging.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS objects (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (resource, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS faults (id TEXT PRIMARY KEY, body BLOB NOT NULL);
INSERT OR IGNORE INTO counter VALUES (1, 1000);
"""


class Row(NamedTuple):
    """One stored object."""

    resource: str
    namespace: str
    name: str
    version: int
    body: bytes


class Disk:
    """The file; `:memory:` keeps nothing and serves unit tests."""

    def __init__(self, path: Path | str, timeout_seconds: float = 5) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=timeout_seconds)
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=NORMAL"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    def version(self) -> int:
        """The highest resourceVersion ever given out."""
        found: tuple[int] = self._db.execute("SELECT version FROM counter").fetchone()
        return found[0]

    def rows(self) -> Iterator[Row]:
        query = "SELECT resource, namespace, name, version, body FROM objects ORDER BY version"
        return (Row(*row) for row in self._db.execute(query))

    def save(self, row: Row) -> None:
        with self._transaction(row.version):
            self._db.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)", row)

    def erase(self, resource: str, namespace: str, name: str, version: int) -> None:
        with self._transaction(version):
            self._db.execute(
                "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?",
                (resource, namespace, name),
            )

    def _transaction(self, version: int) -> sqlite3.Connection:
        self._db.execute("BEGIN")
        self._db.execute("UPDATE counter SET version = ?", (version,))
        return self._db  # as a context manager: commits, or rolls back on an error

    def faults(self) -> list[bytes]:
        return [body for (body,) in self._db.execute("SELECT body FROM faults ORDER BY rowid")]

    def save_fault(self, fault_id: str, body: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO faults VALUES (?, ?)", (fault_id, body))

    def erase_fault(self, fault_id: str) -> None:
        self._db.execute("DELETE FROM faults WHERE id = ?", (fault_id,))
