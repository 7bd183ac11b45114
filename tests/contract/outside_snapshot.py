"""A snapshot of the outside systems, by SQL alone. Two snapshots are equal when nothing visible differs."""

from typing import Any

import psycopg
from psycopg import sql

from sandbox.postgres import PostgresServer
from tests.contract.fake_handles import FakeHandles
from tests.real_systems import superuser

_ROLES = """
    select oid, rolname, rolsuper, rolcreatedb, rolcreaterole, rolcanlogin, rolconnlimit,
           shobj_description(oid, 'pg_authid') as comment
      from pg_roles where rolname not like 'pg\\_%'
"""
_MEMBERS = (
    "select roleid::regrole::text as role, member::regrole::text, admin_option, inherit_option from pg_auth_members"
)
_DATABASES = """
    select oid, datname, pg_get_userbyid(datdba) as owner, datconnlimit, datacl::text,
           shobj_description(oid, 'pg_database') as comment
      from pg_database
"""
_TABLES = """
    select n.nspname as schema, pg_get_userbyid(n.nspowner) as owner, c.relname as relation
      from pg_namespace as n left join pg_class as c on c.relnamespace = n.oid and c.relkind = 'r'
     where n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
"""


def take_snapshot(server: PostgresServer, handles: FakeHandles, databases: tuple[str, ...]) -> dict[str, Any]:
    """Every role, database and handle, and what is inside `databases` (those that are there and whole)."""
    with superuser(server) as connection:
        roles, members = _all(connection, _ROLES), _all(connection, _MEMBERS)
        rows = _all(connection, _DATABASES)
    whole = {row["datname"] for row in rows if row["datconnlimit"] != -2}
    return {
        "roles": roles,
        "members": members,
        "databases": rows,
        "inside": {name: _inside(server, name) for name in databases if name in whole},
        "handles": dict(handles.stored),
    }


def _inside(server: PostgresServer, database: str) -> list[Any]:
    with superuser(server, database) as connection:
        tables = _all(connection, _TABLES)
        return [(table, _rows(connection, table)) for table in tables]


def _rows(connection: psycopg.Connection[dict[str, Any]], table: dict[str, Any]) -> list[str]:
    if table["relation"] is None:
        return []
    name = sql.Identifier(table["schema"], table["relation"])
    return sorted(row["t"] for row in connection.execute(sql.SQL("select t::text from {} as t").format(name)))


def _all(connection: psycopg.Connection[dict[str, Any]], statement: str) -> list[dict[str, Any]]:
    return sorted(connection.execute(statement.encode()), key=str)
