"""The ledger's own schema: numbered, forward-only. `upgrade` is called by whoever installs, never by a task."""

from pathlib import Path

import psycopg
from psycopg.rows import dict_row

from tenancy.adapters.schema_migrations import migrate

LEDGER_VERSION = "0010"
"""The revision this code needs (tests hold it to the newest script)."""
SCHEMA = "ledger"


def upgrade(dsn: str) -> None:
    """Bring the ledger behind this libpq connection string to the newest revision; one transaction, idempotent."""
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as session:
        migrate(session, Path(__file__).parent, schema=SCHEMA)
