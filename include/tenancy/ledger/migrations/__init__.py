"""The ledger's own schema: numbered, forward-only. The installer calls `upgrade`; a task never does."""

from dataclasses import replace
from pathlib import Path

from psycopg import sql

from tenancy.adapters.dsn import dsn_of_conninfo
from tenancy.adapters.schema_migrations import migrate
from tenancy.adapters.sessions import Session, connected
from tenancy.ledger.migrations.grants import grant
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError

LEDGER_VERSION = "0017"
"""The revision that this code needs. A test compares it with the newest script."""
SCHEMA = "ledger"
MIGRATION_SECONDS = 3600
"""How long one statement may take: an index over millions of facts takes minutes."""
_BOUNDS = {
    "statement_timeout": f"{MIGRATION_SECONDS}s",
    "lock_timeout": "60s",
    "idle_in_transaction_session_timeout": "0",
}


def upgrade(dsn: str, *, owner: str = "", writer: str = "") -> None:
    """Bring the ledger behind this libpq connection string to the newest revision; idempotent.

    `owner`: the role that shall own the tables; the session's role when empty. `writer`: the role that records facts,
    which gets the rights it needs (`grants.py`); the owner needs none.
    """
    ledger = replace(dsn_of_conninfo(dsn, "the ledger"), is_ledger=True)
    with connected(ledger, application="tenancy migrate", settings=_BOUNDS) as session:
        session.silence_seconds = MIGRATION_SECONDS
        _require_unicode(session)
        if owner:
            session.execute(sql.SQL("set role {}").format(sql.Identifier(owner)))
        migrate(session, Path(__file__).parent, schema=SCHEMA)
        if writer:
            grant(session, SCHEMA, writer)


def _require_unicode(session: Session) -> None:
    encoding = session.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise PermanentError(
            f"The ledger's database {session.info.dbname} has the encoding {encoding}, which cannot hold every name. "
            f"Create it anew: create database {session.info.dbname} encoding 'UTF8' template template0.",
            cause=Cause.LEDGER_REFUSES,
        )
