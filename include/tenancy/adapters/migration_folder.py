"""Which kind of migrations a folder has, and which kind made a schema."""

from pathlib import Path
from typing import TYPE_CHECKING

from tenancy.adapters.alembic_migrations import AlembicMigrations
from tenancy.adapters.migrations import Migrations

if TYPE_CHECKING:
    from tenancy.adapters.sessions import Session


def migrations_in(folder: Path) -> Migrations:
    """The migrations of this folder."""
    return AlembicMigrations(folder)


def recorded_version(session: "Session", schema: str) -> str | None:
    """The version that the schema is at; None if it was never migrated."""
    return AlembicMigrations.recorded_version(session, schema)
