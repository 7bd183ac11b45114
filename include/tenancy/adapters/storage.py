"""A region's PostgreSQL server: tenants' roles and databases. DDL only under the tenant's lock, in the same session.

Called by the storage activity. It knows proofs of ownership (comments) but nothing of sagas or plans.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from tenancy.adapters.advisory_lock import Holder, acquire
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.sessions import Session, session
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.errors import ForeignObjectError
from tenancy.saga.names import TenantId, lock_key

TENANT_SCHEMA = "tenant"
_INVALID = -2
"""pg_database.datconnlimit of a database whose DROP was interrupted; PostgreSQL only lets one drop it again."""


@dataclass(frozen=True)
class LockPolicy:
    """How long to wait for a tenant's lock, whom to evict then, and whom to tell."""

    application: str
    patience_seconds: float
    may_evict: Callable[[Holder], bool]
    on_evicted: Callable[[str, Holder], None]


@dataclass(frozen=True)
class RoleSeen:
    """A role as it is. `connection_limit` -1 means none."""

    name: str
    proof: str | None
    connection_limit: int


@dataclass(frozen=True)
class DatabaseSeen:
    """A database as it is. `valid` is False when an interrupted DROP left a torso."""

    name: str
    owner: str
    proof: str | None
    connection_limit: int
    valid: bool


class StorageServer:
    """One region's storage."""

    def __init__(self, dsn: Dsn) -> None:
        self.dsn = dsn

    @property
    def place(self) -> str:
        """Where it is."""
        return f"{self.dsn.host}:{self.dsn.port}"

    @contextmanager
    def locked(self, tenant_id: TenantId, policy: LockPolicy) -> Iterator["StorageSession"]:
        """A session that holds the tenant's lock on this server until it ends."""
        with _admin(self.dsn, policy.application) as connection:
            evicted = acquire(
                connection,
                lock_key(tenant_id),
                patience_seconds=policy.patience_seconds,
                may_evict=policy.may_evict,
            )
            for holder in evicted:
                policy.on_evicted(self.dsn.label, holder)
            yield StorageSession(connection)

    @contextmanager
    def watching(self, application: str) -> Iterator["StorageSession"]:
        """A session for looking only."""
        with _admin(self.dsn, application) as connection:
            yield StorageSession(connection)

    def has_schema(self, dbname: str) -> bool:
        """Has a tenant's database its schema? Entered as the admin, for finding what no ledger names."""
        with session(self.dsn.to_database(dbname), application="tenancy discover") as connection:
            seen = connection.execute("select from pg_namespace where nspname = %s", (TENANT_SCHEMA,)).fetchone()
        return seen is not None


@contextmanager
def _admin(dsn: Dsn, application: str) -> Iterator[Session]:
    # Since PostgreSQL 16 the creator of a role is not its member unless this says so; owning its database needs it.
    with session(dsn, application=application, settings={"createrole_self_grant": "set,inherit"}) as connection:
        yield connection


class StorageSession:
    """Roles and databases in one admin session. Every call is idempotent; a foreign object is never touched."""

    def __init__(self, connection: Session) -> None:
        self._connection = connection

    def role(self, name: str) -> RoleSeen | None:
        """The role, if it exists."""
        row = self._connection.execute(_ROLES + " where rolname = %s", (name,)).fetchone()
        return RoleSeen(**row) if row else None

    def database(self, name: str) -> DatabaseSeen | None:
        """The database, if it exists, whole or not."""
        row = self._connection.execute(_DATABASES + " where datname = %s", (_INVALID, name)).fetchone()
        return DatabaseSeen(**row) if row else None

    def roles_with_proof(self, prefix: str) -> list[RoleSeen]:
        """Every role whose proof begins so."""
        rows = self._connection.execute(_ROLES + " where shobj_description(oid, 'pg_authid') ^@ %s", (prefix,))
        return [RoleSeen(**row) for row in rows]

    def databases_with_proof(self, prefix: str) -> list[DatabaseSeen]:
        """Every database whose proof begins so, or whose owner's does: a half-made one has no comment yet."""
        condition = (
            " where shobj_description(d.oid, 'pg_database') ^@ %s or shobj_description(d.datdba, 'pg_authid') ^@ %s"
        )
        rows = self._connection.execute(_DATABASES + condition, (_INVALID, prefix, prefix))
        return [DatabaseSeen(**row) for row in rows]

    def blocker_of(self, application: str) -> Evidence | None:
        """Who keeps the sessions of this name waiting for a lock."""
        row = self._connection.execute(_BLOCKER, (application,)).fetchone()
        if row is None:
            return None
        who = f"{row['application'] or 'an unnamed session'} of {row['owner']} (backend {row['pid']}, {row['state']})"
        said = f"A session has what it waits for: {who}."
        return Evidence(Cause.STORAGE_BLOCKED, said, {name: str(value) for name, value in row.items()})

    def what_is_wrong(self) -> Evidence | None:
        """What keeps this server from making databases: sessions in template1, rights that our role lost, no slots."""
        users = self._connection.execute(_IN_TEMPLATE).fetchall()
        if users:
            said = f"Sessions are in template1, so no database can be copied from it: {_who(users)}."
            return Evidence(Cause.STORAGE_TEMPLATE_IN_USE, said, {"sessions": _who(users)})
        row = self._connection.execute(_OUR_RIGHTS).fetchone()
        assert row is not None  # we are logged in by it
        lost = [right for right in ("CREATEDB", "CREATEROLE") if not row[right.lower()]]
        if lost:
            said = f"The role {row['name']} may not do what it has to: it lacks {' and '.join(lost)}."
            return Evidence(Cause.STORAGE_PERMISSION, said, {"role": row["name"]})
        return None

    def ensure_role(self, name: str, *, password: str, proof: str, connection_limit: int) -> None:
        """Make or adopt the role; its proof is written in the same transaction. ForeignObjectError when not ours."""
        with self._connection.transaction():
            seen = self.role(name)
            if seen is not None:
                _require_ours("role", name, seen.proof, proof)
            verb = sql.SQL("alter") if seen else sql.SQL("create")
            self._connection.execute(
                sql.SQL("{} role {} login connection limit {} password {}").format(
                    verb, sql.Identifier(name), sql.Literal(connection_limit), sql.Literal(self._scram(name, password))
                )
            )
            self._comment("role", name, proof)

    def ensure_database(self, name: str, *, owner: str, proof: str, connection_limit: int) -> None:
        """Make, mend or adopt the database. CREATE DATABASE knows no transaction, so a half-made one is met here."""
        seen = self.database(name)
        if seen is not None:
            _require_our_database(seen, owner, proof)
        if seen is not None and not seen.valid:
            self._drop_database(name)
            seen = None
        if seen is None:
            self._connection.execute(
                sql.SQL("create database {} owner {}").format(sql.Identifier(name), sql.Identifier(owner))
            )
        self._limit_and_close(name, connection_limit)
        self._comment("database", name, proof)

    def drop_database(self, name: str, *, owner: str, proof: str) -> None:
        """Drop it with its sessions, if it is there. ForeignObjectError when not ours."""
        seen = self.database(name)
        if seen is None:
            return
        _require_our_database(seen, owner, proof)
        self._drop_database(name)

    def drop_role(self, name: str, *, proof: str) -> None:
        """Drop it, if it is there. ForeignObjectError when not ours."""
        seen = self.role(name)
        if seen is None:
            return
        _require_ours("role", name, seen.proof, proof)
        self._connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))

    def _drop_database(self, name: str) -> None:
        self._connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def _limit_and_close(self, name: str, connection_limit: int) -> None:
        database = sql.Identifier(name)
        self._connection.execute(
            sql.SQL("alter database {} connection limit {}").format(database, sql.Literal(connection_limit))
        )
        self._connection.execute(sql.SQL("revoke all on database {} from public").format(database))

    def _comment(self, what: str, name: str, proof: str) -> None:
        self._connection.execute(
            sql.SQL("comment on {} {} is {}").format(sql.SQL(what), sql.Identifier(name), sql.Literal(proof))
        )

    def _scram(self, name: str, password: str) -> str:
        # Hashed here, so that the password itself never stands in a statement or a server log.
        return self._connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256").decode()


def _who(sessions: list[dict[str, Any]]) -> str:
    return ", ".join(f"{s['application'] or 'unnamed'} of {s['owner']} (backend {s['pid']})" for s in sessions[:3])


_BLOCKER = """
    select by.pid, by.application_name as application, by.usename::text as owner, coalesce(by.state, '') as state
      from pg_stat_activity as waiting
     cross join lateral unnest(pg_blocking_pids(waiting.pid)) as blocker
      join pg_stat_activity as by on by.pid = blocker
     where waiting.application_name = %s limit 1
"""
_IN_TEMPLATE = """
    select pid, application_name as application, usename::text as owner
      from pg_stat_activity where datname = 'template1' and pid <> pg_backend_pid()
"""
_OUR_RIGHTS = """
    select rolname::text as name, rolsuper or rolcreatedb as createdb, rolsuper or rolcreaterole as createrole
      from pg_roles where rolname = current_user
"""
_ROLES = """
    select rolname::text as name, shobj_description(oid, 'pg_authid') as proof, rolconnlimit as connection_limit
      from pg_roles
"""
_DATABASES = """
    select d.datname::text as name, pg_get_userbyid(d.datdba)::text as owner,
           shobj_description(d.oid, 'pg_database') as proof, d.datconnlimit as connection_limit,
           d.datconnlimit <> %s as valid
      from pg_database as d
"""


def _require_ours(what: str, name: str, found: str | None, proof: str) -> None:
    if found != proof:
        raise ForeignObjectError(
            f"A {what} {name} exists and is not ours (its comment is {found!r}, ours would be {proof!r}). "
            "Nothing was changed; find its owner, or drop it by hand."
        )


def _require_our_database(seen: DatabaseSeen, owner: str, proof: str) -> None:
    # A database made by a process that died before its comment is proved ours by its owner, whose proof came first.
    if seen.owner != owner:
        _require_ours("database", seen.name, seen.proof, proof)
