"""The ledger's own schema: numbered, forward-only. `upgrade` is called by whoever installs, never by a task."""

from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from tenancy.adapters.schema_migrations import migrate
from tenancy.ledger.migrations.rights import grant

LEDGER_VERSION = "0011"
"""The revision this code needs (tests hold it to the newest script)."""
SCHEMA = "ledger"


def upgrade(dsn: str, *, owner: str = "", writer: str = "") -> None:
    """Bring the ledger behind this libpq connection string to the newest revision; idempotent.

    `owner`: the role that shall own the tables; the session's role when empty. `writer`: the role that records facts,
    which gets the rights it needs (`rights.py`); the owner needs none.
    """
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as session:
        if owner:
            session.execute(sql.SQL("set role {}").format(sql.Identifier(owner)))
        migrate(session, Path(__file__).parent, schema=SCHEMA)
        if writer:
            grant(session, SCHEMA, writer)
