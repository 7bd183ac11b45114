"""Migrations that an image applies, run as a Job: any tool, such as Flyway, Liquibase, Django or Prisma.

The tool has its own sessions and its own table of what it applied; here only the version that its image leads to is
recorded, once the Job has ended well. The tenant's lock is held meanwhile.
"""

import hashlib
from collections.abc import Callable

from tenancy.adapters.applied_migrations import AppliedMigrations
from tenancy.adapters.migration_run import search_first
from tenancy.adapters.migrations import failing_at
from tenancy.adapters.sessions import Session
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError
from tenancy.saga.product import MigrationJob


class JobMigrations:
    """The migrations of one image. `run` runs the Job to its end, or raises."""

    def __init__(self, job: MigrationJob, run: Callable[[], None]) -> None:
        self._job, self._run = job, run

    def apply(self, session: Session, *, schema: str, target: str, then: Callable[[], None]) -> None:
        """Make the schema, run the Job unless the schema is at `target` already, record the version and call `then`."""
        self._require(target)
        table = AppliedMigrations(session, schema)
        with session.transaction(), failing_at(table.place):
            table.create()
        newest = table.newest(1)
        is_there = bool(newest) and newest[0].version == target
        if not is_there:
            self._run()
        with session.transaction():
            if not is_there:
                with failing_at(table.place):
                    table.record(newest[0].number + 1 if newest else 1, target, self._checksum)
            search_first(session, schema)
            then()

    def _require(self, target: str) -> None:
        if target != self._job.version:
            raise PlatformError(
                f"The attempt migrates to {target}, and the product's image {self._job.image} leads to "
                f"{self._job.version}. Deploy the version of the product that has it, or cancel the tenant.",
                cause=Cause.PLATFORM_VERSION,
            )

    @property
    def _checksum(self) -> str:
        return hashlib.sha256(" ".join((self._job.image, *self._job.command)).encode()).hexdigest()
