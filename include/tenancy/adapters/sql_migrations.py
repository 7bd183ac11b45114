"""Migrations that are plain SQL files, forward only. migration_files.py reads the folder; here the files are applied.

Each file is applied once and recorded in a table of the migrated schema. All that are pending, and what the caller
adds, are one transaction: after a failure or a kill nothing of it is there, and it can be run again.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from tenancy.adapters.migration_files import MigrationFile, read_files
from tenancy.adapters.migrations import Migrations, failing_at, newer_schema
from tenancy.adapters.product_error import product_error
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError

if TYPE_CHECKING:
    from tenancy.adapters.applied_migrations import AppliedMigration
    from tenancy.adapters.sessions import Session


class SqlMigrations(Migrations):
    """The newest version is that of the file with the highest number."""

    def newest(self) -> str:
        return self._files()[-1].version

    def problems(self) -> Iterator[str]:
        return iter(read_files(self.folder)[1])

    def apply(self, session: "Session", *, schema: str, target: str, then: Callable[[], None]) -> None:
        from tenancy.adapters.applied_migrations import AppliedMigrations
        from tenancy.adapters.migration_run import run_file, search_first

        files, table = self._files(), AppliedMigrations(session, schema)
        with session.transaction():
            with failing_at(table.place):
                table.create()
                applied = table.newest(len(files) + 1)  # so many are enough to find one that the folder does not have
            self._require_known(applied, files, schema, session.info.dbname)
            for file in self._pending(applied, files, target):
                search_first(session, schema)
                run_file(session, file, self.folder.name)
                with failing_at(table.place):
                    table.record(file.number, file.version, file.checksum)
            search_first(session, schema)
            then()

    @staticmethod
    def recorded_version(session: "Session", schema: str) -> str | None:
        from tenancy.adapters.applied_migrations import AppliedMigrations

        table = AppliedMigrations(session, schema)
        newest = table.newest(1) if table.exists() else []
        return newest[0].version if newest else None

    def _files(self) -> list[MigrationFile]:
        files, problems = read_files(self.folder)
        if problems:
            raise product_error(self.folder.parent, problems)
        return files

    def _require_known(
        self, applied: Sequence["AppliedMigration"], files: Sequence[MigrationFile], schema: str, database: str
    ) -> None:
        """PermanentError if something was applied that the folder does not have, or no longer has as it was."""
        by_number = {file.number: file for file in files}
        unknown = [row.version for row in applied if row.number not in by_number]
        if unknown:
            raise newer_schema(schema, database, unknown[:3], files[-1].version)
        for row in applied:
            file = by_number[row.number]
            if file.version != row.version:
                raise self._error(file, f"was called {row.version}.sql when it was applied: give it that name again")
            if file.checksum != row.checksum:
                raise self._error(file, "was changed after it was applied: restore it, and write a new file instead")

    def _pending(
        self, applied: Sequence["AppliedMigration"], files: Sequence[MigrationFile], target: str
    ) -> list[MigrationFile]:
        last = next((file.number for file in files if file.version == target), None)
        if last is None:
            raise PermanentError(
                f"The migration to {target} failed: {self.folder.name} has no {target}.sql. Deploy the version of the "
                "product that has it, or cancel the tenant.",
                cause=Cause.SCHEMA_MIGRATION,
            )
        done = {row.number for row in applied}
        pending = [file for file in files if file.number <= last and file.number not in done]
        if pending and done and pending[0].number < max(done):
            raise self._error(pending[0], "comes before one that was applied already: give it a higher number")
        return pending

    def _error(self, file: MigrationFile, problem: str) -> PermanentError:
        return PermanentError(f"{self.folder.name}/{file.name} {problem}.", cause=Cause.SCHEMA_MIGRATION)
