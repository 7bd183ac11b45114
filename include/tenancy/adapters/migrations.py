"""A product's migrations: what Tenancy needs of them, whatever kind they are.

alembic_migrations.py and sql_migrations.py implement it; migration_folder.py chooses. No import here is dear, because
Airflow's DAG file is one of the callers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError

if TYPE_CHECKING:
    import psycopg

    from tenancy.adapters.sessions import Session


class StatementError(Exception):
    """PostgreSQL refused a statement. `place` says which, for a person; `error` is psycopg's."""

    def __init__(self, place: str, error: "psycopg.Error", advice: str = "") -> None:
        super().__init__(f"{place}: {error}")
        self.place = place
        self.error = error
        self.advice = advice
        """A sentence about a mistake of the migration itself; empty if PostgreSQL's message says enough."""


@contextmanager
def failing_at(place: str) -> Iterator[None]:
    """Errors of psycopg inside are a StatementError with this place."""
    from psycopg import Error

    try:
        yield
    except Error as error:
        raise StatementError(place, error) from error


class AppliedToSchema(Protocol):
    """What brings a tenant's schema to a version: migrations in a folder, or those of an image (job_migrations.py)."""

    def apply(self, session: "Session", *, schema: str, target: str, then: Callable[[], None]) -> None:
        """Bring the schema to `target`, then call `then`. Idempotent."""


class Migrations(ABC):
    """The migrations in one folder. Nothing is read before it is needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def newest(self) -> str:
        """The version to which a new attempt migrates. ProductFileError when there is none, or more than one."""

    @abstractmethod
    def problems(self) -> Iterator[str]:
        """All that can be wrong without a database, each sentence beginning with its file. For `product check`."""

    @abstractmethod
    def apply(self, session: "Session", *, schema: str, target: str, then: Callable[[], None]) -> None:
        """Bring the schema to `target` and call `then`, in one transaction. Idempotent.

        StatementError when PostgreSQL refuses a statement. PermanentError when the schema is at a version that the
        folder does not have.
        """

    @staticmethod
    @abstractmethod
    def recorded_version(session: "Session", schema: str) -> str | None:
        """The version that the schema says it is at; None when it says none. The tenant may have written it."""


def newer_schema(schema: str, database: str, unknown: Iterable[str], newest: str) -> PermanentError:
    """The error about a schema at revisions that the folder does not have."""
    return PermanentError(
        f"The schema {schema} of the database {database} is at revision {', '.join(unknown)}, which this version does "
        f"not have (its newest is {newest}): a newer version migrated it. Nothing was changed. Deploy that newer "
        "version, or restore the database from before.",
        cause=Cause.SCHEMA_MIGRATION,
    )
