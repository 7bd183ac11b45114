"""PostgreSQL's session advisory lock on a tenant: in each database, one process at a time works on the tenant.

It is taken on the ledger and on the storage server. There it is taken in the session that runs DDL, because the CREATE
DATABASE of a killed client continues in its backend, and unwinding must wait for it. The lock ends with its session.
"""

from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from tenancy.adapters.sessions import Session
from tenancy.saga.causes import Cause
from tenancy.saga.errors import TransientError

_EVICTIONS = 5


@dataclass(frozen=True)
class Holder:
    """The session that has the lock. `application` is its name: `tenancy <role> <task instance>`."""

    pid: int
    application: str
    state: str
    held_seconds: float
    statement: str = ""
    """The statement that it runs or ran last; empty if our role may not see it."""

    @property
    def is_dropping(self) -> bool:
        """Does it drop a database? A drop continues after its client has ended (database_drop.py)."""
        return self.state == "active" and self.statement.lstrip().lower().startswith("drop database")

    def __str__(self) -> str:
        return f"{self.application or 'an unnamed session'} (backend {self.pid}, {self.state})"


def acquire_lock(
    session: Session, key: int, *, patience_seconds: float, may_evict: Callable[[Holder], bool]
) -> tuple[Holder, ...]:
    """Take the lock. Wait at most `patience_seconds` for each holder. Returns the holders that were evicted.

    A holder that does not release it in time may be a stopped process. Its session is terminated if `may_evict` allows
    it; otherwise a TransientError names the holder.
    """
    evicted: list[Holder] = []
    while not _wait_for(session, key, patience_seconds):
        found = find_holder(session, key)
        if found is None:
            continue
        if not may_evict(found) or len(evicted) >= _EVICTIONS:
            raise _held_by(found)
        session.execute("select pg_catalog.pg_terminate_backend(%s, 5000)", (found.pid,))
        evicted.append(found)
    return tuple(evicted)


def _held_by(found: Holder) -> TransientError:
    if found.is_dropping:
        return TransientError(
            f"The server is still dropping the tenant's database, for {found.held_seconds:.0f} s: {found}. It waits "
            "for a checkpoint, which takes long on a busy server.",
            cause=Cause.STORAGE_DROPPING,
        )
    return TransientError(f"Another process works on this tenant: {found}.", cause=Cause.LOCK_HELD)


def release_lock(session: Session, key: int) -> None:
    """Release the lock before the session ends."""
    session.execute("select pg_catalog.pg_advisory_unlock(%s)", (key,))


def _wait_for(session: Session, key: int, patience_seconds: float) -> bool:
    try:
        with session.transaction():
            session.execute(
                "select pg_catalog.set_config('lock_timeout', %s, true)", (f"{int(patience_seconds * 1000)}ms",)
            )
            session.execute("select pg_catalog.pg_advisory_lock(%s)", (key,))
    except psycopg.errors.LockNotAvailable:
        return False
    return True


_HOLDER = """
    select activity.pid, activity.application_name as application, coalesce(activity.state, '') as state,
           extract(epoch from pg_catalog.clock_timestamp() - activity.state_change)::pg_catalog.float8 as held_seconds,
           pg_catalog.left(coalesce(activity.query, ''), 200) as statement
      from pg_catalog.pg_locks as lock join pg_catalog.pg_stat_activity as activity using (pid)
     where lock.locktype = 'advisory' and lock.granted and lock.objsubid = 1
       and lock.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
       and (lock.classid::pg_catalog.int8 << 32) | lock.objid::pg_catalog.int8 = %s
"""


def find_holder(session: Session, key: int) -> Holder | None:
    """Who has the lock now, in this session's database."""
    row = session.execute(_HOLDER, (key,)).fetchone()
    return Holder(**row) if row else None
