"""The one procedure that drops a database.

Called by storage.py, in a session that holds the tenant's lock. Everything that PostgreSQL may refuse comes first; DROP
DATABASE itself destroys all or nothing. A tenant owns its database and may do what an owner may: make it a template,
open it again, leave prepared transactions, change its password. So its role is locked out first.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import sql

from tenancy.adapters.database_holders import DatabaseHolder, database_held_error, find_holders
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.sessions import Session, session
from tenancy.adapters.storage_databases import DatabaseStatus, close_database
from tenancy.adapters.storage_roles import allow_login, forbid_login
from tenancy.saga.causes import Cause
from tenancy.saga.errors import TransientError

DROP_SECONDS: Final = 600.0
"""Seconds. DROP DATABASE waits for a checkpoint, which writes all dirty buffers: tens of GB on a large server. Our
other statements have 30 s (sessions.py)."""
_ENDING_SECONDS: Final = 5.0
"""Seconds until terminated sessions must be gone: as long as DROP DATABASE itself waits (PostgreSQL 18,
CountOtherDBBackends)."""
_POLL_SECONDS: Final = 0.05
_ROUNDS: Final = 2
"""A session may be opened between closing and dropping if an administrator opens the database again."""
_TO_BE_ENTERED: Final = frozenset({"prepared transaction", "subscription"})
"""Only a session in the database itself can remove these, so the database is not closed because of them."""


@dataclass(frozen=True)
class DatabaseDrop:
    """Drops the database of one tenant.

    `dsn`: its server. `owner`: its role, empty if that is gone or not ours. `password` derives the role's password.
    """

    connection: Session
    dsn: Dsn
    name: str
    owner: str = ""
    password: Callable[[], str] = str
    drop_seconds: float = DROP_SECONDS

    def run(self, found: DatabaseStatus) -> None:
        """Drop it. TransientError with the cause STORAGE_DATABASE_HELD names what holds it; then no data is lost."""
        if found.valid:
            self._roll_back_prepared()
            self._require_free(only=_TO_BE_ENTERED)
        if not any(self._try_drop(found) for _ in range(_ROUNDS)):
            self._drop_by_force()

    def _try_drop(self, found: DatabaseStatus) -> bool:
        """False if a session was opened, or it became a template, between closing and dropping."""
        if found.valid:
            self._close()
        self._end_sessions()
        self._require_free()
        with suppress(psycopg.errors.ObjectInUse, psycopg.errors.WrongObjectType):
            self._drop()
            return True
        return False

    def _roll_back_prepared(self) -> None:
        """Roll back the tenant's own prepared transactions, as the tenant: only the tenant and superusers may."""
        found = self.connection.execute(_PREPARED, {"database": self.name, "owner": self.owner}).fetchall()
        if not found:
            return
        password = self.password()
        allow_login(self.connection, self.owner, password)
        self._alter("is_template false allow_connections true connection limit -1")
        in_database = self.dsn.to_database(self.name, user=self.owner, password=password)
        application = self.connection.info.parameter_status("application_name") or ""
        with session(in_database, application=application) as tenant:
            for row in found:
                with suppress(psycopg.errors.UndefinedObject):  # the tenant ended it itself meanwhile
                    tenant.execute(sql.SQL("rollback prepared {}").format(sql.Literal(row["gid"])))

    def _close(self) -> None:
        if self.owner:
            forbid_login(self.connection, self.owner)
            self._end_sessions()  # one that is left could open the database again
        close_database(self.connection, self.name)

    def _alter(self, options: str) -> None:
        self.connection.execute(
            sql.SQL("alter database {} with {}").format(sql.Identifier(self.name), sql.SQL(options))
        )

    def _end_sessions(self) -> None:
        """Terminate the sessions that we may terminate. `_require_free` reports the others."""
        ended = [pid for pid in self._sessions() if self._end(pid)]
        until = time.monotonic() + _ENDING_SECONDS
        while set(ended) & set(self._sessions()) and time.monotonic() < until:
            time.sleep(_POLL_SECONDS)

    def _sessions(self) -> list[int]:
        rows = self.connection.execute(_SESSIONS, {"database": self.name, "owner": self.owner})
        return [row["pid"] for row in rows]

    def _end(self, pid: int) -> bool:
        with suppress(psycopg.errors.InsufficientPrivilege):
            self.connection.execute("select pg_catalog.pg_terminate_backend(%s)", (pid,))
            return True
        return False

    def _require_free(self, only: frozenset[str] = frozenset()) -> None:
        holders = [each for each in self._holders() if not only or each.kind in only]
        if any(not holder.passing for holder in holders):
            raise database_held_error(self.name, holders, self.connection.info.user)

    def _holders(self) -> tuple[DatabaseHolder, ...]:
        return find_holders(self.connection, self.name)

    def _drop(self, options: str = "") -> None:
        statement = sql.SQL("drop database {}{}").format(sql.Identifier(self.name), sql.SQL(options))
        with self._patience():
            self.connection.execute(statement)

    def _drop_by_force(self) -> None:
        try:
            self._drop(" with (force)")
        except (psycopg.errors.ObjectInUse, psycopg.errors.InsufficientPrivilege) as error:
            raise database_held_error(self.name, self._holders(), self.connection.info.user) from error

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """Set a time-out that covers a checkpoint.

        The drop continues in its backend after its client has ended. The backend keeps the tenant's lock until then, so
        the next process waits for it instead of beginning again.
        """
        settings = {"statement_timeout": f"{self.drop_seconds * 1000:.0f}ms", "client_connection_check_interval": "0"}
        before = {name: self._set(name, value) for name, value in settings.items()}
        try:
            yield
        except psycopg.OperationalError as error:
            if self.connection.closed:
                raise _still_dropping(self.name, error) from error
            raise
        finally:
            for name, value in before.items():
                if not self.connection.closed:
                    self._set(name, value)

    def _set(self, name: str, value: str) -> str:
        """Set it and return the previous value."""
        row = self.connection.execute(_SET, {"name": name, "value": value}).fetchone()
        assert row is not None  # one row always
        return str(row["before"])


def _still_dropping(name: str, error: Exception) -> TransientError:
    reason = " ".join(str(error).split())
    return TransientError(
        f"The connection ended while the server dropped the database {name} ({reason}). A server that is up continues "
        "with it: DROP DATABASE waits for a checkpoint, which takes long on a busy one.",
        cause=Cause.STORAGE_DROPPING,
    )


_PREPARED: Final = """
    select gid from pg_catalog.pg_prepared_xacts where database = %(database)s and owner = %(owner)s"""
_SESSIONS: Final = """
    select pid from pg_catalog.pg_stat_activity
     where (datname = %(database)s or usename = %(owner)s) and usesysid is not null
       and pid <> pg_catalog.pg_backend_pid()"""
_SET: Final = """
    select pg_catalog.current_setting(%(name)s) as before,
           pg_catalog.set_config(%(name)s, %(value)s, false) as after"""
