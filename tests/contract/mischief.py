"""What can be wrong with each kind of resource: a foreign object in its place, and damage that makes it unhealthy.

The one place a new resource kind adds to; test_plan_contract.py asks for an entry of every kind in PLAN.
"""

from collections.abc import Callable
from dataclasses import replace

from psycopg import sql

from tenancy.adapters.airflow_api import Handle
from tenancy.saga.tenant import Resource
from tests.contract.workbench import Workbench
from tests.parts import superuser

Deed = Callable[[Workbench, Resource], None]


def _foreign_role(bench: Workbench, resource: Resource) -> None:
    _execute(bench, "create role {0}", resource)
    _execute(bench, "comment on role {0} is 'somebody else''s'", resource)


def _foreign_database(bench: Workbench, resource: Resource) -> None:
    _execute(bench, "create database {0}", resource)
    _execute(bench, "comment on database {0} is 'somebody else''s'", resource)


def _foreign_schema(bench: Workbench, resource: Resource) -> None:
    with superuser(bench.server, resource.name) as connection:
        connection.execute("create schema tenant")
        connection.execute("create table tenant.precious as select 1 as value")


def _foreign_connection(bench: Workbench, resource: Resource) -> None:
    bench.handles.create_handle(Handle(resource.name, "somebody else's", "h", 1, "d", "u", "p", "secret"))


def _unlimited_role(bench: Workbench, resource: Resource) -> None:
    _execute(bench, "alter role {0} connection limit -1", resource)


def _interrupted_drop(bench: Workbench, resource: Resource) -> None:
    """What a DROP DATABASE leaves that was interrupted: PostgreSQL marks it first."""
    with superuser(bench.server) as connection:
        connection.execute("update pg_database set datconnlimit = -2 where datname = %s", (resource.name,))


def _no_admin(bench: Workbench, resource: Resource) -> None:
    with superuser(bench.server, resource.name) as connection:
        connection.execute("delete from tenant.users")


def _redirected_connection(bench: Workbench, resource: Resource) -> None:
    bench.handles.update_handle(replace(bench.handles.stored[resource.name], host="elsewhere.test"))


FOREIGN: dict[str, Deed] = {
    "role": _foreign_role,
    "database": _foreign_database,
    "schema": _foreign_schema,
    "connection": _foreign_connection,
}
"""Puts an object that is not ours where ours would be."""

DAMAGE: dict[str, Deed] = {
    "role": _unlimited_role,
    "database": _interrupted_drop,
    "schema": _no_admin,
    "connection": _redirected_connection,
}
"""Leaves ours in its place, but not as it was made."""


def _execute(bench: Workbench, statement: str, resource: Resource) -> None:
    with superuser(bench.server) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(resource.name)))
