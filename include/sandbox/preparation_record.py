"""What the databases were last prepared for, as one hash over everything that preparation depends on.

It is apart from `preparation` and its imports, so that an `up` with nothing to do stays quick.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from sandbox import json_files, preflight
from sandbox.airflow_contents import contents
from sandbox.layout import Layout
from sandbox.secrets import Secrets


def digest(layout: Layout, ports: Mapping[str, int], secrets: Secrets) -> str:
    """Changes with Airflow's version, roles, users, connections, pools and the ledger's migrations."""
    total = hashlib.sha256(preflight.airflow_version().encode())
    total.update(json.dumps(contents(layout, ports, secrets), sort_keys=True).encode())
    for source in _sources(layout):
        total.update(source.read_bytes())
    return total.hexdigest()


def is_current(layout: Layout, expected: str) -> bool:
    return json_files.read(layout.prepared).get("digest") == expected


def record(layout: Layout, digest: str) -> None:
    json_files.write(layout.prepared, {"digest": digest})


def _sources(layout: Layout) -> Iterator[Path]:
    yield layout.include / "installation" / "ledger_tables.py"
    yield layout.include / "installation" / "metadata.py"
    ledger = layout.include / "tenancy" / "ledger"
    yield from sorted(path for path in ledger.rglob("*") if path.suffix in {".py", ".sql"})
