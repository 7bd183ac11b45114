"""One tenant's database from inside: the tenant's schema and its admin account. Called by the schema activity.

Sessions log in as the tenant's own role, which proves that the derived credential works. Advisory locks belong to one
database, so the tenant's lock is taken here again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
import sqlalchemy.exc
from sqlalchemy import Connection, text

from tenancy.adapters.advisory_lock import acquire_lock
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.postgres_errors import Failure, translated_error
from tenancy.adapters.schema_migrations import migrate
from tenancy.adapters.server_identity import require_same
from tenancy.adapters.sessions import Session, session
from tenancy.adapters.storage import TENANT_SCHEMA, LockPolicy
from tenancy.saga.causes import Cause
from tenancy.saga.errors import ForeignObjectError, PermanentError
from tenancy.saga.names import TenantId, lock_key
from tenancy.saga.systems import ANY_SYSTEM, ExpectedSystem

_AGAINST_ITS_OWN = {"default_transaction_read_only": "off"}
"""A tenant may set this for its role or database, and the server would seem to be read-only. A standby reports
read-only whatever it is set to."""
SCRIPTS = Path(__file__).parents[3] / "products" / "sample" / "migrations"


@dataclass(frozen=True)
class AdminAccount:
    """The tenant-admin account to seed. `invitation_digest` is the SHA-256 of the one-time invitation."""

    account: str
    slug: str
    email: str
    invitation_digest: str


@dataclass(frozen=True)
class SchemaStatus:
    """The tenant's schema at present."""

    version: str | None
    admins: int


@dataclass(frozen=True)
class InvitationStatus:
    """The admin's invitation as recorded in the tenant's database."""

    digest: str
    used_at: datetime | None
    expires_at: datetime
    open: bool
    """Neither used nor expired, by that server's clock."""


class TenantDatabase:
    """One tenant's database, entered as its owner, on the expected server or not at all."""

    def __init__(self, dsn: Dsn, expected: ExpectedSystem = ANY_SYSTEM) -> None:
        self._dsn = dsn
        self._expected = expected

    def apply_schema(
        self, tenant_id: TenantId, admin: AdminAccount, policy: LockPolicy, *, fence: Callable[[], None], target: str
    ) -> None:
        """Migrate to `target` and create the admin account in one transaction. Idempotent: an invitation is kept.

        `fence` is called under the lock. ForeignObjectError if somebody else created a schema of this name.
        """
        with self._locked(tenant_id, policy) as connection:
            fence()
            self._require_ours(connection)
            try:
                migrate(connection, SCRIPTS, schema=TENANT_SCHEMA, target=target, then=lambda sa: _seed(sa, admin))
            except sqlalchemy.exc.DBAPIError as error:
                raise _migration_error(error, self._dsn) from error

    def has_schema(self, application: str) -> bool:
        """Is there a schema of the name?"""
        with session(self._dsn, application=application, settings=_AGAINST_ITS_OWN) as connection:
            return _owner(connection) is not None

    def load_schema(self, application: str) -> SchemaStatus | None:
        """The schema, if it exists."""
        with self._session(application) as connection:
            if _owner(connection) is None:
                return None
            try:
                version = connection.execute(_VERSION).fetchone()
                admins = connection.execute(_ADMINS).fetchone()
            except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege):
                return SchemaStatus(version=None, admins=0)
            return SchemaStatus(**(version or {}), **(admins or {}))

    def load_invitation(self, email: str, application: str) -> InvitationStatus | None:
        """The admin's invitation; None if that admin has none."""
        with self._session(application) as connection:
            row = connection.execute(_INVITATION, (email,)).fetchone()
        return InvitationStatus(**row) if row else None

    def renew_invitation(
        self, tenant_id: TenantId, email: str, digest: str, policy: LockPolicy, *, fence: Callable[[], None]
    ) -> None:
        """Replace the former invitation, unless that one was used. Idempotent."""
        with self._locked(tenant_id, policy) as connection:
            fence()
            connection.execute(_RENEW, {"email": email, "digest": digest})

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


# What these return is the tenant's to choose: no more of it is read than we need.
_OWNER = """
    select pg_catalog.pg_get_userbyid(nspowner)::pg_catalog.text as owner
      from pg_catalog.pg_namespace where nspname = %s"""
_VERSION = """
    select pg_catalog.left(pg_catalog.max(version_num)::pg_catalog.text, 64) as version from tenant.alembic_version"""
_INVITATION = """
    select pg_catalog.left(invitation_digest, 128) as digest, invitation_used_at as used_at,
           invitation_expires_at as expires_at,
           invitation_used_at is null and invitation_expires_at > pg_catalog.now() as open
      from tenant.users where role = 'admin' and email = %s and invitation_digest is not null limit 1"""
_RENEW = """
    with renewed as (
        update tenant.users
           set invitation_digest = %(digest)s, invitation_expires_at = pg_catalog.now() + interval '7 days'
         where role = 'admin' and email = %(email)s and invitation_used_at is null
           and invitation_digest is distinct from %(digest)s
        returning id)
    insert into tenant.audit (actor, what) select 'platform', 'tenant.admin.invited_again' from renewed"""
_ADMINS = "select pg_catalog.count(*) as admins from tenant.users where role = 'admin'"


def _seed(connection: Connection, admin: AdminAccount) -> None:
    for statement in _SEED:
        connection.execute(text(statement), vars(admin))


_SEED = (
    """insert into tenant.accounts (slug, name) values (:slug, :account)
       on conflict (slug) do update set name = excluded.name""",
    """insert into tenant.users (account_id, email, role, invitation_digest, invitation_expires_at)
       select id, :email, 'admin', :invitation_digest, pg_catalog.now() + interval '7 days'
         from tenant.accounts where slug = :slug
       on conflict (email) do nothing""",
    """insert into tenant.audit (actor, what) select 'platform', 'tenant.admin.invited'
        where not exists (select from tenant.audit where what = 'tenant.admin.invited')""",
)


def _migration_error(error: sqlalchemy.exc.DBAPIError, dsn: Dsn) -> Failure:
    if not isinstance(error.orig, psycopg.Error):
        return PermanentError(f"The tenant's migration failed: {error}", cause=Cause.SCHEMA_MIGRATION)
    ours = translated_error(error.orig, dsn)
    statement = " ".join((error.statement or "").split())[:200]
    cause = Cause.SCHEMA_MIGRATION if ours.cause is Cause.UNKNOWN else ours.cause
    return type(ours)(f"The tenant's migration failed at `{statement}`: {ours}", cause=cause)
