"""Which kind of migrations a folder has, and which kind made a schema. No other module knows the kinds."""

from pathlib import Path
from typing import TYPE_CHECKING

from tenancy.adapters.alembic_migrations import ENTRY, AlembicMigrations
from tenancy.adapters.migration_files import EXAMPLE, has_migration_file
from tenancy.adapters.migrations import Migrations
from tenancy.adapters.sql_migrations import SqlMigrations

if TYPE_CHECKING:
    from tenancy.adapters.sessions import Session

WHAT_IT_MUST_HAVE = f"neither an {ENTRY} of alembic nor an SQL file such as {EXAMPLE}"


def migrations_in(folder: Path) -> Migrations:
    """The migrations of this folder: alembic's if it has alembic's entry, else plain SQL files."""
    return AlembicMigrations(folder) if (folder / ENTRY).is_file() else SqlMigrations(folder)


def has_migrations(folder: Path) -> bool:
    """Is there anything that says of which kind the folder is?"""
    return (folder / ENTRY).is_file() or has_migration_file(folder)


def recorded_version(session: "Session", schema: str) -> str | None:
    """The version that the schema says it is at, whichever kind migrated it; None if it says none.

    It asks the schema and not the product: a tenant keeps its schema when its product changes the kind.
    """
    sql = SqlMigrations.recorded_version(session, schema)
    return AlembicMigrations.recorded_version(session, schema) if sql is None else sql
