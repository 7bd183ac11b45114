"""The table of what sql_migrations.py and job_migrations.py applied to a schema: `tenancy_migration`, in that schema.

The tenant owns the table and may have put anything in its place: no more of it is read than we need.
"""

from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from tenancy.adapters.migration_files import VERSION_LIMIT
from tenancy.adapters.sessions import Session

TABLE: Final = "tenancy_migration"


@dataclass(frozen=True)
class AppliedMigration:
    """A row of the table."""

    number: int
    version: str
    checksum: str


class AppliedMigrations:
    """The table in one schema."""

    def __init__(self, session: Session, schema: str) -> None:
        self._session = session
        self._names = {"schema": sql.Identifier(schema), "table": sql.Identifier(schema, TABLE)}
        self.place = f"the table {schema}.{TABLE}"
        """What a statement about it is called."""

    def exists(self) -> bool:
        """Is there anything of its name?"""
        name = self._names["table"].as_string(self._session)
        return self._execute(_EXISTS, (name,)).fetchone() == {"it_exists": True}

    def create(self) -> None:
        """Make the schema and the table, unless they exist."""
        self._execute(_CREATE)

    def newest(self, limit: int) -> list[AppliedMigration]:
        """So many rows at most, the highest number first."""
        return [AppliedMigration(**row) for row in self._execute(_NEWEST, (VERSION_LIMIT, limit))]

    def record(self, number: int, version: str, checksum: str) -> None:
        """Note that this was applied."""
        self._execute(_RECORD, (number, version, checksum))

    def _execute(self, statement: LiteralString, values: tuple[object, ...] | None = None) -> psycopg.Cursor[Any]:
        return self._session.execute(sql.SQL(statement).format(**self._names), values)


_EXISTS: Final = "select pg_catalog.to_regclass(%s) is not null as it_exists"
_CREATE: Final = """
    create schema if not exists {schema};
    create table if not exists {table} (
        number     pg_catalog.int8 primary key,
        version    pg_catalog.text not null,
        checksum   pg_catalog.text not null,
        applied_at pg_catalog.timestamptz not null default pg_catalog.now()
    )"""
_NEWEST: Final = """
    select number::pg_catalog.int8 as number,
           coalesce(pg_catalog.left(version::pg_catalog.text, %s), '') as version,
           coalesce(pg_catalog.left(checksum::pg_catalog.text, 64), '') as checksum
      from {table} order by 1 desc limit %s"""
_RECORD: Final = "insert into {table} (number, version, checksum) values (%s, %s, %s)"
