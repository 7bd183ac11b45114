"""Runs one SQL migration in the transaction of its caller (sql_migrations.py), and says where it failed."""

from typing import Final

import psycopg
from psycopg import sql

from tenancy.adapters.migration_files import MigrationFile
from tenancy.adapters.migrations import StatementError
from tenancy.adapters.sessions import Session


def run_file(session: Session, file: MigrationFile, folder: str) -> None:
    """StatementError names the file, and the line if PostgreSQL says where its error is."""
    try:
        session.execute(_as_one_statement(session, file.text))
    except psycopg.Error as error:
        line = file.line_at(_position(error, file))
        place = f"{folder}/{file.name}" + (f", line {line}" if line else "")
        raise StatementError(place, _without_the_text(error), _ADVICE.get(error.sqlstate or "", "")) from error


def search_first(session: Session, schema: str) -> None:
    """Names without a schema are those of this schema, whatever the file before has set."""
    session.execute(sql.SQL("set local search_path to {}").format(sql.Identifier(schema)))


def _as_one_statement(session: Session, text: str) -> sql.Composed:
    """The file within EXECUTE of PL/pgSQL.

    Why not as it is: a COMMIT in it would end our transaction, and what came before it would stay without being
    recorded. PL/pgSQL refuses it. The time limit of a statement is that of the whole file.
    """
    quoted = sql.Literal(text).as_string(session)
    return sql.SQL("do {}").format(sql.Literal(f"begin execute {quoted}; end"))


def _position(error: psycopg.Error, file: MigrationFile) -> str | None:
    """Where in the file PostgreSQL found the error. It may have been in a function that the file calls."""
    return error.diag.internal_position if error.diag.internal_query == file.text else None


def _without_the_text(error: psycopg.Error) -> psycopg.Error:
    """The same error, whose message does not repeat the whole file as its context."""
    diag = error.diag
    if diag.message_primary is None:  # it is not from PostgreSQL
        return error
    parts = (diag.message_primary, diag.message_detail, diag.message_hint)
    short = type(error)(". ".join(part.rstrip(".") for part in parts if part))
    short.sqlstate = error.sqlstate
    return short


_NO_TRANSACTIONS: Final = (
    "All migrations run in one transaction, which Tenancy begins and ends: a file can have no BEGIN, COMMIT, ROLLBACK "
    "or SAVEPOINT, and no COPY from STDIN"
)
_ADVICE: Final = {
    "0A000": _NO_TRANSACTIONS,  # feature_not_supported
    "2D000": _NO_TRANSACTIONS,  # invalid_transaction_termination
    "25001": "All migrations run in one transaction, so a file can have no statement that cannot, such as CREATE INDEX "
    "CONCURRENTLY or VACUUM",  # active_sql_transaction
}
"""What the author of the file should know, by SQLSTATE. Such an error is always the file's fault."""
