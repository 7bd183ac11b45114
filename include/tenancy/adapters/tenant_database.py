"""One tenant's database from inside: the product's schema and its admin account. Called by the schema activity.

Sessions log in as the tenant's own role, which proves that the derived credential works. Advisory locks belong to one
database, so the tenant's lock is taken here again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from tenancy.adapters.admin_account import AdminAccount, InvitationStatus
from tenancy.adapters.advisory_lock import acquire_lock
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.migration_folder import recorded_version
from tenancy.adapters.migrations import AppliedToSchema, StatementError, failing_at
from tenancy.adapters.postgres_errors import Failure, translated_error
from tenancy.adapters.server_identity import require_same
from tenancy.adapters.sessions import Session, session
from tenancy.adapters.storage import TENANT_SCHEMA, LockPolicy
from tenancy.saga.causes import Cause
from tenancy.saga.errors import ForeignObjectError
from tenancy.saga.names import TenantId, lock_key
from tenancy.saga.systems import ANY_SYSTEM, ExpectedSystem

_AGAINST_ITS_OWN = {"default_transaction_read_only": "off"}
"""A tenant may set this for its role or database, and the server would seem to be read-only. A standby reports
read-only whatever it is set to."""


@dataclass(frozen=True)
class SchemaStatus:
    """The tenant's schema at present."""

    version: str | None
    has_admin: bool
    """True also when the product keeps no admin account."""


class TenantDatabase:
    """One tenant's database, entered as its owner, on the expected server or not at all."""

    def __init__(self, dsn: Dsn, expected: ExpectedSystem = ANY_SYSTEM) -> None:
        self._dsn = dsn
        self._expected = expected

    def apply_schema(
        self,
        tenant_id: TenantId,
        migrations: AppliedToSchema,
        admin: AdminAccount | None,
        policy: LockPolicy,
        *,
        fence: Callable[[], None],
        target: str,
    ) -> None:
        """Migrate to `target` and create the admin account in one transaction. Idempotent: an invitation is kept.

        `fence` is called under the lock. ForeignObjectError if somebody else created a schema of this name.
        """

        with self._locked(tenant_id, policy) as connection:
            fence()
            self._require_ours(connection)
            try:
                migrations.apply(
                    connection, schema=TENANT_SCHEMA, target=target, then=lambda: _create_admin(connection, admin)
                )
            except StatementError as error:
                raise _migration_error(error, self._dsn) from error

    def has_schema(self, application: str) -> bool:
        """Is there a schema of the name?"""
        with session(self._dsn, application=application, settings=_AGAINST_ITS_OWN) as connection:
            return _owner(connection) is not None

    def load_schema(self, application: str, admin: AdminAccount | None) -> SchemaStatus | None:
        """The schema, if it exists."""
        with self._session(application) as connection:
            if _owner(connection) is None:
                return None
            try:
                version = recorded_version(connection, TENANT_SCHEMA)
                found = connection.execute(admin.exists, admin.values).fetchone() if admin else {"has_admin": True}
            except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
                return SchemaStatus(version=None, has_admin=False)
            return SchemaStatus(version=version, **(found or {}))

    def load_invitation(self, admin: AdminAccount, application: str) -> InvitationStatus | None:
        """The admin's invitation; None if that admin has none."""
        with self._session(application) as connection:
            row = connection.execute(admin.invitation, admin.values).fetchone()
        return InvitationStatus(**row) if row else None

    def renew_invitation(
        self, tenant_id: TenantId, admin: AdminAccount, policy: LockPolicy, *, fence: Callable[[], None]
    ) -> None:
        """Replace the former invitation, unless that one was used. Idempotent."""
        with self._locked(tenant_id, policy) as connection:
            fence()
            connection.execute(admin.renew, admin.values)

    @contextmanager
    def _session(self, application: str) -> Iterator[Session]:
        with session(self._dsn, application=application, settings=_AGAINST_ITS_OWN) as connection:
            require_same(connection, self._expected, self._dsn)
            yield connection

    @contextmanager
    def _locked(self, tenant_id: TenantId, policy: LockPolicy) -> Iterator[Session]:
        with self._session(policy.application) as connection:
            key = lock_key(tenant_id)
            evicted = acquire_lock(
                connection, key, patience_seconds=policy.patience_seconds, may_evict=policy.may_evict
            )
            for holder in evicted:
                policy.on_evicted(self._dsn.label, holder)
            yield connection

    def _require_ours(self, connection: Session) -> None:
        owner = _owner(connection)
        if owner not in {None, self._dsn.user}:
            raise ForeignObjectError(
                f"The database {self._dsn.dbname} has a schema {TENANT_SCHEMA} that is not ours (it is owned by "
                f"{owner}). Nothing was changed; find out who made it, or drop it manually."
            )


def _owner(connection: Session) -> str | None:
    row = connection.execute(_OWNER, (TENANT_SCHEMA,)).fetchone()
    return row["owner"] if row else None


_OWNER = """
    select pg_catalog.pg_get_userbyid(nspowner)::pg_catalog.text as owner
      from pg_catalog.pg_namespace where nspname = %s"""


def _create_admin(session: Session, admin: AdminAccount | None) -> None:
    if admin is not None:
        with failing_at(f"{admin.folder.name}/create.sql"):
            session.execute(admin.create, admin.values)


def _migration_error(failed: StatementError, dsn: Dsn) -> Failure:
    ours = translated_error(failed.error, dsn)
    cause = Cause.SCHEMA_MIGRATION if failed.advice or ours.cause is Cause.UNKNOWN else ours.cause
    sentence = f"The tenant's migration failed at {failed.place}: {ours}"
    return type(ours)(f"{sentence}. {failed.advice}" if failed.advice else sentence, cause=cause)
