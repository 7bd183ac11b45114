"""What can be wrong with each kind of resource: a foreign object in its place, and damage that makes it unhealthy.

A new kind needs no entry: its own activity makes a foreign object of it, for another platform. Add the kind to DAMAGE
when `observe` compares more than presence and owner. It needs no entry in FOREIGN then.
"""

from collections.abc import Callable
from dataclasses import replace

from psycopg import sql

from tenancy.activities.registry import maker_of_kind
from tenancy.adapters.airflow_api import Handle
from tenancy.adapters.helm import Release
from tenancy.saga.tenant import Resource
from tests.clusters import Kubernetes, kubernetes_and_helm
from tests.contract.workbench import Workbench
from tests.products import CHART
from tests.real_systems import superuser

Tamper = Callable[[Workbench, Resource], None]


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
    bench.handles.create_handle(Handle(resource.name, "somebody else's", "h", 1, "d", "u", "secret"))


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


def _foreign_namespace(bench: Workbench, resource: Resource) -> None:
    _kubernetes(bench).ask("POST", "/api/v1/namespaces", {"metadata": {"name": resource.name}})
    precious = {"metadata": {"name": "precious"}, "data": {"value": "MQ=="}}
    _kubernetes(bench).ask("POST", f"/api/v1/namespaces/{resource.name}/secrets", precious)


def _foreign_release(bench: Workbench, resource: Resource) -> None:
    """Somebody else's Helm was here, under our name."""
    _foreign_namespace(bench, resource)
    _, helm = kubernetes_and_helm(bench.cluster_server)
    helm.install(Release(CHART, resource.name, resource.name, {}))


def _no_quota(bench: Workbench, resource: Resource) -> None:
    _kubernetes(bench).ask("DELETE", f"/api/v1/namespaces/{resource.name}/resourcequotas/plan")


def _edited_secret(bench: Workbench, resource: Resource) -> None:
    _kubernetes(bench).merge(f"/api/v1/namespaces/{resource.name}/secrets/{resource.name}", {"data": {"dsn": "eA=="}})


def _kubernetes(bench: Workbench) -> Kubernetes:
    return Kubernetes(bench.cluster_server)


def put_foreign_object(bench: Workbench, resource: Resource) -> None:
    """Put an object that is not ours where ours would be."""
    FOREIGN.get(resource.kind, _made_for_another_platform)(bench, resource)


def _made_for_another_platform(bench: Workbench, resource: Resource) -> None:
    """Under our name, which the ledger has, with another platform's proof."""
    other = replace(bench.platform, name=f"{bench.platform.name}2")
    maker_of_kind(resource.kind).run(replace(bench.context, platform=other))


def is_foreign_together(kind: str, other: str) -> bool:
    """Is the other resource of the same activity not ours either, when this one is not?"""
    return kind not in FOREIGN or {kind, other} <= SHARED_FATE


SHARED_FATE = {"namespace", "release"}
"""A release is in its namespace: when that is not ours, neither is it."""

FOREIGN: dict[str, Tamper] = {
    "role": _foreign_role,
    "database": _foreign_database,
    "schema": _foreign_schema,
    "connection": _foreign_connection,
    "namespace": _foreign_namespace,
    "release": _foreign_release,
}
"""Puts an object that is not ours where ours would be."""

DAMAGE: dict[str, Tamper] = {
    "role": _unlimited_role,
    "database": _interrupted_drop,
    "schema": _no_admin,
    "connection": _redirected_connection,
    "namespace": _no_quota,
    "release": _edited_secret,
}
"""Leaves ours in its place, but not as it was made."""


def _execute(bench: Workbench, statement: str, resource: Resource) -> None:
    with superuser(bench.server) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(resource.name)))
