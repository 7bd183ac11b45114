"""The rights that the storage connection's role needs: the purpose of each, its check, and the statement that grants
it.

None of them makes it a superuser, so managed servers allow all (docs/integrating/rights.md). The health check and every
refused statement name the missing right and the statement that grants it.
"""

from dataclasses import dataclass
from typing import Final

from psycopg import sql

from tenancy.adapters.sessions import Session


@dataclass(frozen=True)
class StorageRight:
    """`check` is an expression over pg_roles, `grant` a statement; `vital`: without it no tenant gets storage."""

    name: str
    purpose: str
    check: str
    grant: str
    vital: bool = False


RIGHTS: Final = (
    StorageRight(
        "CREATEDB",
        "create tenants' databases",
        "rolcreatedb",
        "alter role {admin} createdb",
        vital=True,
    ),
    StorageRight(
        "CREATEROLE",
        "create tenants' roles",
        "rolcreaterole",
        "alter role {admin} createrole",
        vital=True,
    ),
    StorageRight(
        "pg_signal_backend",
        "end other roles' sessions in a database that is dropped",
        "pg_catalog.pg_has_role(oid, 'pg_signal_backend', 'usage')",
        "grant pg_signal_backend to {admin}",
    ),
    StorageRight(
        "pg_read_all_stats",
        "tell what holds a database",
        "pg_catalog.pg_has_role(oid, 'pg_read_all_stats', 'usage')",
        "grant pg_read_all_stats to {admin}",
    ),
)
TENANT_ROLES: Final = StorageRight(
    "the ADMIN option on tenants' roles",
    "change and drop tenants' roles and databases",
    "",
    "grant {role} to {admin} with admin true, inherit true, set true",
)
"""The role that created a tenant's role has it (createrole_self_grant). A role that replaced it must get it by a
grant."""


@dataclass(frozen=True)
class MissingRight:
    """A right that the role lacks. `count`: on how many tenants' roles, 0 if the right is not about roles."""

    name: str
    purpose: str
    statement: str
    vital: bool
    count: int = 0

    @property
    def stops_work(self) -> bool:
        """Does its lack prevent that tenants' roles and databases are created, changed or dropped?"""
        return self.vital or self.count > 0


def missing_rights(connection: Session, prefix: str) -> tuple[MissingRight, ...]:
    """The rights that this session's role lacks, the most important first. `prefix`: of the proofs of tenants'
    roles."""
    row = connection.execute(_CHECKS).fetchone()
    assert row is not None  # we are logged in by it
    admin = row["admin"]
    lacking = [right for number, right in enumerate(RIGHTS) if not row[f"right_{number}"]]
    found = [MissingRight(each.name, each.purpose, _filled(each, admin), each.vital) for each in lacking]
    vital, others = [each for each in found if each.vital], [each for each in found if not each.vital]
    return (*vital, *_on_tenants_roles(connection, prefix, admin), *others)


def missing_right_sentence(missing: MissingRight, admin: str) -> str:
    """What the role may not do, and the statement that grants it."""
    more = f" and so for {missing.count - 1} more roles;" if missing.count > 1 else ""
    return (
        f"The role {admin} may not {missing.purpose}: it lacks {missing.name}. "
        f"As a superuser, or a role that may grant it: {missing.statement};{more}"
    )


def _on_tenants_roles(connection: Session, prefix: str, admin: str) -> tuple[MissingRight, ...]:
    rows = connection.execute(_TENANT_ROLES, {"prefix": prefix}).fetchall()
    if not rows:
        return ()
    statement = _filled(TENANT_ROLES, admin, rows[0]["name"])
    return (MissingRight(TENANT_ROLES.name, TENANT_ROLES.purpose, statement, vital=False, count=rows[0]["roles"]),)


def _filled(right: StorageRight, admin: str, role: str = "") -> str:
    return sql.SQL(right.grant).format(admin=sql.Identifier(admin), role=sql.Identifier(role)).as_string(None)


_CHECKS: Final = f"""
    select rolname::pg_catalog.text as admin,
           {", ".join(f"rolsuper or {right.check} as right_{number}" for number, right in enumerate(RIGHTS))}
      from pg_catalog.pg_roles where rolname = current_user
"""  # noqa: S608 - made of our own text
_TENANT_ROLES: Final = """
    select rolname::pg_catalog.text as name, count(*) over ()::pg_catalog.int4 as roles
      from pg_catalog.pg_roles
     where pg_catalog.shobj_description(oid, 'pg_authid') ^@ %(prefix)s
       and not (pg_catalog.pg_has_role(oid, 'usage') and pg_catalog.pg_has_role(oid, 'set')
                and pg_catalog.pg_has_role(oid, 'member with admin option'))
     order by 1 limit 1
"""
