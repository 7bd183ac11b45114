"""Runs alembic from code: one connection, one transaction, the version table inside the migrated schema.

alembic's `context` is global to the process, so one process migrates one database at a time. (With six threads, each
ran DDL on another's connection.) Every activity is a process of its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy
from psycopg.rows import tuple_row
from sqlalchemy.pool import StaticPool

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
    then: Callable[[sqlalchemy.Connection], None] = lambda _: None,
) -> None:
    """Bring `schema` of the session's database to `target` and call `then` in the same transaction. Idempotent.

    Errors of the statements come out as sqlalchemy.exc.DBAPIError, with psycopg's error as `.orig`. All others are a
    PermanentError with the cause schema.migration.
    """
    try:
        _migrate(session, scripts, schema=schema, target=target, then=then)
    except (TenancyError, sqlalchemy.exc.DBAPIError):
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise PermanentError(
            f"The migration of the schema {schema} to revision {target} failed: {reason}. Correct the migration "
            f"scripts in {scripts.name}, then retry.",
            cause=Cause.SCHEMA_MIGRATION,
        ) from error


def _migrate(
    session: Session,
    scripts: Path,
    *,
    schema: str,
    target: str,
    then: Callable[[sqlalchemy.Connection], None],
) -> None:
    import alembic.command  # 6 MB that the triggerer does not need, because it migrates nothing
    import alembic.config

    config = alembic.config.Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    with _as_sqlalchemy(session) as connection, connection.begin():
        config.attributes.update(connection=connection, schema=schema)
        _require_known_revision(connection, config, schema)
        connection.execute(sqlalchemy.text(f'create schema if not exists "{schema}"'))
        connection.execute(sqlalchemy.text(f'set local search_path to "{schema}"'))
        alembic.command.upgrade(config, target)
        then(connection)


def _require_known_revision(connection: sqlalchemy.Connection, config: "Config", schema: str) -> None:
    """PermanentError if the schema is at a revision that the scripts do not have: a newer version created it."""
    from alembic.script import ScriptDirectory

    directory = ScriptDirectory.from_config(config)
    known = {script.revision for script in directory.walk_revisions()}
    unknown = sorted(revision for revision in _revisions(connection, schema) if revision not in known)
    if unknown:
        raise PermanentError(
            f"The schema {schema} of the database {_database(connection)} is at "
            f"revision {', '.join(unknown)}, which this version does not have (its newest is "
            f"{', '.join(directory.get_heads())}): a newer version migrated it. Nothing was changed. Deploy that newer "
            "version, or restore the database from before.",
            cause=Cause.SCHEMA_MIGRATION,
        )


def _database(connection: sqlalchemy.Connection) -> str:
    return str(connection.scalar(sqlalchemy.text("select pg_catalog.current_database()")))


def _revisions(connection: sqlalchemy.Connection, schema: str) -> list[str]:
    table = f'"{schema}".alembic_version'
    if connection.scalar(sqlalchemy.text("select pg_catalog.to_regclass(:table)"), {"table": table}) is None:
        return []
    return [row[0] for row in connection.execute(sqlalchemy.text(f"select version_num from {table}"))]  # noqa: S608 - ours


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
