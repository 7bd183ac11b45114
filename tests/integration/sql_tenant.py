"""A tenant's database with SQL migrations, for tests that need no saga."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tenancy.adapters.admin_account import AdminAccount
from tenancy.adapters.dsn import dsn_of_conninfo
from tenancy.adapters.migration_folder import migrations_in
from tenancy.adapters.storage import LockPolicy
from tenancy.adapters.tenant_database import TenantDatabase
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError
from tenancy.saga.names import PLATFORM_STREAM

APPLICATION = "tests sql"
_POLICY = LockPolicy(APPLICATION, 5, lambda _: False, lambda _label, _holder: None)
NOTES = "create table notes (id int, body text);\ninsert into notes values (1, '100% of it; all');\n"
COUNT = "create function notes_count() returns bigint language sql as $$ select count(*) from notes $$;\n"


@dataclass(frozen=True)
class SqlTenant:
    """A database with its owner's session, and a folder that begins with 0001_notes.sql."""

    dsn: str
    session: "psycopg.Connection[tuple[Any, ...]]"
    folder: Path

    def write(self, version: str, text: str) -> None:
        (self.folder / f"{version}.sql").write_text(text)

    @property
    def database(self) -> TenantDatabase:
        address = dsn_of_conninfo(self.dsn, "the tests' storage")
        return TenantDatabase(address.to_database(address.dbname, user=address.user, password=address.password))

    def apply(self, target: str = "", admin: AdminAccount | None = None) -> None:
        migrations = migrations_in(self.folder)
        target = target or migrations.newest()
        self.database.apply_schema(PLATFORM_STREAM, migrations, admin, _POLICY, fence=lambda: None, target=target)

    def refused(self, target: str = "") -> str:
        """The sentence of the error: the migration is at fault, for good."""
        with pytest.raises(PermanentError) as error:
            self.apply(target)
        assert error.value.cause is Cause.SCHEMA_MIGRATION
        assert "\n" not in str(error.value)
        return str(error.value)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the query returns in the owner's session."""
        return self.session.execute(query.encode()).fetchall()

    @property
    def version(self) -> str | None:
        found = self.database.load_schema(APPLICATION, None)
        return found.version if found else None

    @property
    def has_schema(self) -> bool:
        return self.session.execute("select to_regnamespace('tenant') is not null").fetchone() == (True,)
