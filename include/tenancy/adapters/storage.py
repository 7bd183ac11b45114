"""A region's PostgreSQL server: tenants' roles and databases. Called by the storage activity.

DDL runs only under the tenant's lock, in the same session. It knows proofs of ownership (comments on roles and
databases), but no sagas and no plans.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tenancy.adapters.advisory_lock import Holder, acquire_lock, find_holder
from tenancy.adapters.application_names import UNWINDER
from tenancy.adapters.database_drop import DatabaseDrop
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.postgres_errors import translated_error
from tenancy.adapters.server_identity import identity_of, require_same
from tenancy.adapters.sessions import Session, session
from tenancy.adapters.storage_databases import (
    DatabaseStatus,
    create_database,
    databases_with_proof,
    find_database,
    open_database,
    require_our_database,
)
from tenancy.adapters.storage_rights import missing_right_sentence, missing_rights
from tenancy.adapters.storage_roles import (
    RoleStatus,
    drop_role,
    ensure_role,
    find_role,
    require_our_role,
    roles_with_proof,
)
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import TenantId, lock_key
from tenancy.saga.systems import ANY_SYSTEM, ExpectedSystem

TENANT_SCHEMA = "tenant"


@dataclass(frozen=True)
class LockPolicy:
    """How long to wait for a tenant's lock, and which of its holders may be evicted then."""

    application: str
    patience_seconds: float
    may_evict: Callable[[Holder], bool]
    on_evicted: Callable[[str, Holder], None]


class StorageServer:
    """One region's storage. Every session is on the expected server, or raises OtherSystemError."""

    def __init__(
        self, dsn: Dsn, expected: ExpectedSystem = ANY_SYSTEM, *, silence_seconds: float | None = None
    ) -> None:
        self.dsn = dsn
        self.expected = expected
        self._silence_seconds = silence_seconds

    def expecting(self, expected: ExpectedSystem, *, silence_seconds: float | None = None) -> "StorageServer":
        """The same server, which must be the expected one. `silence_seconds`: how long it may take to respond."""
        return StorageServer(self.dsn, expected, silence_seconds=silence_seconds)

    def identity(self) -> str:
        """The identity of the server. PlatformError if it has none."""
        with self._admin("tenancy identify") as connection:
            return identity_of(connection, self.dsn)

    @property
    def location(self) -> str:
        """Its address."""
        return self.dsn.address

    def require_same_system(self) -> None:
        """OtherSystemError if the server that responds now is not the expected one."""
        if self.expected.accepted:
            with self._admin("tenancy identify"):
                pass

    @contextmanager
    def locked_session(self, tenant_id: TenantId, policy: LockPolicy) -> Iterator["StorageSession"]:
        """A session that holds the tenant's lock on this server until it ends."""
        with self._admin(policy.application) as connection:
            evicted = acquire_lock(
                connection,
                lock_key(tenant_id),
                patience_seconds=policy.patience_seconds,
                may_evict=policy.may_evict,
            )
            for holder in evicted:
                policy.on_evicted(self.dsn.label, holder)
            yield StorageSession(connection, self.dsn)

    @contextmanager
    def read_session(self, application: str) -> Iterator["StorageSession"]:
        """A session that takes no lock, for reading."""
        with self._admin(application) as connection:
            yield StorageSession(connection, self.dsn)

    @contextmanager
    def _admin(self, application: str) -> Iterator[Session]:
        # Since PostgreSQL 16 the creator of a role is not its member unless this says so; owning its database needs it.
        settings = {"createrole_self_grant": "set,inherit"}
        bound = self._silence_seconds
        with session(self.dsn, application=application, settings=settings, silence_seconds=bound) as connection:
            require_same(connection, self.expected, self.dsn)
            yield connection


class StorageSession:
    """Roles and databases in one admin session. Every call is idempotent; foreign objects are never touched.

    A statement without the needed right becomes a PlatformError that names the statement to grant it.
    """

    def __init__(self, connection: Session, dsn: Dsn) -> None:
        self._connection = connection
        self._dsn = dsn

    def role(self, name: str) -> RoleStatus | None:
        """The role, if it exists."""
        return find_role(self._connection, name)

    def database(self, name: str) -> DatabaseStatus | None:
        """The database, if it exists, even if it is incomplete."""
        return find_database(self._connection, name)

    def roles_with_proof(self, prefix: str) -> list[RoleStatus]:
        """Every role whose proof begins with the prefix."""
        return roles_with_proof(self._connection, prefix)

    def databases_with_proof(self, prefix: str) -> list[DatabaseStatus]:
        """Every database whose proof begins with the prefix. The proof is that of its owner, or else its own
        comment."""
        return databases_with_proof(self._connection, prefix)

    def find_lock_holder(self, tenant_id: TenantId) -> Evidence | None:
        """Who holds the tenant's lock on this server; None if it is free, or held for unwinding."""
        found = find_holder(self._connection, lock_key(tenant_id))
        if found is None or found.application.startswith(UNWINDER):
            return None
        message = f"A session holds the tenant's lock on the storage server, and does not end: {found}."
        return Evidence(Cause.STORAGE_BLOCKED, message, {"holder": str(found)})

    def find_blocker(self, application: str) -> Evidence | None:
        """The session that blocks the sessions whose application name begins with this."""
        row = self._connection.execute(_BLOCKER, (application,)).fetchone()
        if row is None:
            return None
        who = f"{row['application'] or 'an unnamed session'} of {row['owner']} (backend {row['pid']}, {row['state']})"
        message = f"A session has what it waits for: {who}."
        return Evidence(Cause.STORAGE_BLOCKED, message, {name: str(value) for name, value in row.items()})

    def find_missing_right(self, proof: str) -> Evidence | None:
        """The first right that our role lacks, in general or on the role with this proof."""
        missing = [each for each in missing_rights(self._connection, proof) if each.stops_work]
        if not missing:
            return None
        sentence = missing_right_sentence(missing[0], self._dsn.user)
        return Evidence(Cause.STORAGE_PERMISSION, sentence, {each.name: each.statement for each in missing})

    def ensure_role(self, name: str, *, password: str, proof: str, connection_limit: int) -> None:
        """Create or adopt the role, with its proof in the same transaction. ForeignObjectError when it is not ours."""
        with self._rights_explained(proof):
            ensure_role(self._connection, name, password=password, proof=proof, connection_limit=connection_limit)

    def ensure_database(self, name: str, *, owner: str, proof: str, connection_limit: int) -> None:
        """Create, repair or adopt the database. CREATE DATABASE is not transactional, so it may be incomplete."""
        found = self.database(name)
        if found is not None:
            require_our_database(found, owner, proof)
        with self._rights_explained(proof):
            if found is not None and not found.valid:
                DatabaseDrop(self._connection, self._dsn, name).run(found)
            if found is None or not found.valid:
                create_database(self._connection, name, owner=owner)
            open_database(self._connection, name, connection_limit=connection_limit, proof=proof)

    def drop_database(self, name: str, *, owner: str, proof: str, password: Callable[[], str]) -> None:
        """Drop it, if it exists. ForeignObjectError when it is not ours; TransientError names what holds it.

        The steps, and DROP DATABASE itself, are in database_drop.py. `password` derives the password of its owner.
        """
        found = self.database(name)
        if found is None:
            return
        require_our_database(found, owner, proof)
        role = self.role(owner)
        owner_if_ours = owner if role is not None and role.proof == proof else ""
        with self._rights_explained(proof):
            DatabaseDrop(self._connection, self._dsn, name, owner_if_ours, password).run(found)

    def drop_role(self, name: str, *, proof: str) -> None:
        """Drop it, if it exists. ForeignObjectError when it is not ours."""
        found = self.role(name)
        if found is None:
            return
        require_our_role(found, proof)
        with self._rights_explained(proof):
            drop_role(self._connection, name)

    @contextmanager
    def _rights_explained(self, proof: str) -> Iterator[None]:
        try:
            yield
        except psycopg.errors.InsufficientPrivilege as error:
            wrong = self.find_missing_right(proof)
            if wrong is None:
                raise
            raise PlatformError(f"{translated_error(error, self._dsn)} {wrong.message}", cause=wrong.cause) from error


_BLOCKER = """
    select by.pid, by.application_name as application, by.usename::pg_catalog.text as owner,
           coalesce(by.state, '') as state
      from pg_catalog.pg_stat_activity as waiting
     cross join lateral pg_catalog.unnest(pg_catalog.pg_blocking_pids(waiting.pid)) as blocker
      join pg_catalog.pg_stat_activity as by on by.pid = blocker
     where pg_catalog.starts_with(waiting.application_name, %s) limit 1
"""
