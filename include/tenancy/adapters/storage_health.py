"""The health of a region's storage server beyond that of any server: our role's rights, and who may connect where.

Called by the health check. Reads only, in the storage connection's own database; short time-outs.
"""

from dataclasses import dataclass
from typing import Final

from psycopg import sql

from tenancy.adapters.dsn import Dsn
from tenancy.adapters.server_health import ServerStatus, impatient_session, server_status
from tenancy.adapters.sessions import Session
from tenancy.adapters.storage_rights import MissingRight, missing_rights


@dataclass(frozen=True)
class OpenDatabase:
    """A database that tenants' roles can connect to although it is not theirs.

    `grantee`: the tenant's role that may connect; empty if everybody may. `may_close`: our role may run the statement.
    """

    name: str
    grantee: str
    may_close: bool
    statement: str


@dataclass(frozen=True)
class StorageStatus:
    """A storage server as our role, `admin`, sees it."""

    server: ServerStatus
    admin: str
    missing: tuple[MissingRight, ...] = ()
    open_databases: tuple[OpenDatabase, ...] = ()


def check_storage(dsn: Dsn, prefix: str) -> StorageStatus:
    """The server's present state. `prefix`: of the proofs of this platform's roles. Errors as in
    server_health.check_server."""
    with impatient_session(dsn) as connection:
        return StorageStatus(
            server_status(connection), dsn.user, missing_rights(connection, prefix), open_databases(connection, prefix)
        )


def open_databases(connection: Session, prefix: str) -> tuple[OpenDatabase, ...]:
    """Databases that more than their owner's tenant may connect to: by PUBLIC, which is PostgreSQL's default, or by
    a grant to a tenant's role."""
    rows = connection.execute(_OPEN, {"prefix": prefix})
    return tuple(
        OpenDatabase(
            row["name"], row["grantee"], row["may_close"], _statement(row["name"], row["grantee"], row["admin"])
        )
        for row in rows
    )


def _statement(database: str, grantee: str, keep: str) -> str:
    """The statement that closes it. `keep` is our own role if the statement would lock it out."""
    name = sql.Identifier(database).as_string(None)
    first = f"grant connect on database {name} to {sql.Identifier(keep).as_string(None)}; " if keep else ""
    whom = sql.Identifier(grantee).as_string(None) if grantee else "public"
    return f"{first}revoke connect on database {name} from {whom};"


_OPEN: Final = """
    with tenant as (
        select oid, rolname from pg_catalog.pg_roles
         where pg_catalog.shobj_description(oid, 'pg_authid') ^@ %(prefix)s),
    granted as (
        select d.oid, d.datname, d.datdba, a.grantee
          from pg_catalog.pg_database as d
         cross join lateral pg_catalog.aclexplode(
                   coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) as a
         where d.datallowconn and a.privilege_type = 'CONNECT')
    select g.datname::pg_catalog.text as name, coalesce(t.rolname::pg_catalog.text, '') as grantee,
           pg_catalog.pg_has_role(g.datdba, 'usage') as may_close,
           case when g.grantee = 0 and g.datname = pg_catalog.current_database()
                     and not exists (select from granted as own
                                      where own.oid = g.oid and own.grantee <> 0
                                        and pg_catalog.pg_has_role(own.grantee, 'usage'))
                then current_user::pg_catalog.text else '' end as admin
      from granted as g left join tenant as t on t.oid = g.grantee
     where g.grantee = 0 or (t.oid is not null and t.oid <> g.datdba)
     order by g.grantee <> 0, name, grantee
"""
