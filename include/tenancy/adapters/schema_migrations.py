"""Runs alembic from code: one connection, one transaction, the version table inside the migrated schema.

alembic's `context` is global to the process, so one process migrates one database at a time. (With six threads, each
ran DDL on another's connection.) Every activity is a process of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
import sqlalchemy
from psycopg import sql
from psycopg.rows import tuple_row
from sqlalchemy.pool import StaticPool

from tenancy.adapters.alembic_migrations import VERSION_TABLE
from tenancy.adapters.migrations import StatementError, newer_schema
from tenancy.adapters.sessions import Session
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, TenancyError

if TYPE_CHECKING:
    from alembic.config import Config


def migrate(
    session: Session,
    scripts: Path,
    *,
    schema: str,
    target: str = "head",
    then: Callable[[], None] = lambda: None,
) -> None:
    """Bring `schema` of the session's database to `target` and call `then` in the same transaction. Idempotent.

    Errors of the statements come out as sqlalchemy.exc.DBAPIError, with psycopg's error as `.orig`. All others are a
    PermanentError with the cause schema.migration.
    """
    try:
        _migrate(session, scripts, schema=schema, target=target, then=then)
    except (TenancyError, StatementError, sqlalchemy.exc.DBAPIError):
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise PermanentError(
            f"The migration of the schema {schema} to revision {target} failed: {reason}. Correct the migration "
            f"scripts in {scripts.name}, then retry.",
            cause=Cause.SCHEMA_MIGRATION,
        ) from error


def apply_revisions(session: Session, scripts: Path, *, schema: str, target: str, then: Callable[[], None]) -> None:
    """`migrate` for a tenant's schema: a refused statement is a StatementError."""
    try:
        migrate(session, scripts, schema=schema, target=target, then=then)
    except sqlalchemy.exc.DBAPIError as error:
        if not isinstance(error.orig, psycopg.Error):
            raise PermanentError(f"The tenant's migration failed: {error}", cause=Cause.SCHEMA_MIGRATION) from error
        statement = " ".join((error.statement or "").split())[:200]
        raise StatementError(f"`{statement}`", error.orig) from error


def _migrate(
    session: Session,
    scripts: Path,
    *,
    schema: str,
    target: str,
    then: Callable[[], None],
) -> None:
    import alembic.command  # 6 MB that the triggerer does not need, because it migrates nothing
    import alembic.config

    config = alembic.config.Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    with _as_sqlalchemy(session) as connection, connection.begin():
        config.attributes.update(connection=connection, schema=schema)
        _require_known_revision(session, config, schema)
        connection.execute(sqlalchemy.text(f'create schema if not exists "{schema}"'))
        connection.execute(sqlalchemy.text(f'set local search_path to "{schema}"'))
        alembic.command.upgrade(config, target)
        then()


def _require_known_revision(session: Session, config: "Config", schema: str) -> None:
    """PermanentError if the schema is at a revision that the scripts do not have: a newer version created it."""
    from alembic.script import ScriptDirectory

    directory = ScriptDirectory.from_config(config)
    known = {script.revision for script in directory.walk_revisions()}
    unknown = sorted(revision for revision in _revisions(session, schema) if revision not in known)
    if unknown:
        raise newer_schema(schema, session.info.dbname, unknown, ", ".join(directory.get_heads()))


def _revisions(session: Session, schema: str) -> list[str]:
    table = sql.Identifier(schema, VERSION_TABLE)
    cursor = session.cursor(row_factory=tuple_row)
    name = table.as_string(session)
    if cursor.execute("select pg_catalog.to_regclass(%s) is null", (name,)).fetchone() == (True,):
        return []
    return [row[0] for row in cursor.execute(sql.SQL(_RECORDED).format(table))]


_RECORDED: Final = "select pg_catalog.left(version_num::pg_catalog.text, 64) from {} limit 100"
"""Bounded, because the tenant may have put a view in the table's place."""


@contextmanager
def _as_sqlalchemy(session: Session) -> Iterator[sqlalchemy.Connection]:
    """The same session in SQLAlchemy's form, so that the session's locks protect the migration."""
    rows, session.row_factory = session.row_factory, tuple_row  # type: ignore[assignment]
    session.autocommit = False
    # StaticPool never closes what `creator` gave it: the session stays its owner's.
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: session, poolclass=StaticPool)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        if not session.closed:
            session.rollback()
            session.autocommit = True
            session.row_factory = rows


def run_environment() -> None:
    """Run the migrations on the connection that `migrate` passed on. Called by each script folder's env.py."""
    from alembic import context  # alembic fills this module while it runs env.py

    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"],
        version_table_schema=attributes["schema"],
        transaction_per_migration=False,
    )
    context.run_migrations()
