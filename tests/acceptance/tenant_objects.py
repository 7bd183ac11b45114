"""A tenant's objects outside the ledger, found by plain SQL and Kubernetes' own client without project code."""

from dataclasses import dataclass

import psycopg
from kubernetes.client import CoreV1Api
from kubernetes.config import new_client_from_config

from sandbox.access import Access


@dataclass(frozen=True)
class TenantObjects:
    """The names of its objects; all empty when nothing is left."""

    roles: tuple[str, ...]
    databases: tuple[str, ...]
    connections: tuple[str, ...]
    tables: tuple[str, ...]
    namespaces: tuple[str, ...]
    releases: tuple[str, ...]
    """One per revision, such as `sh.helm.release.v1.<name>.v1`."""

    @property
    def is_empty(self) -> bool:
        return not any(vars(self).values())


TABLES = ("accounts", "alembic_version", "audit", "sessions", "settings", "users")


def find_objects(access: Access, slug: str) -> TenantObjects:
    like = slug.replace("-", r"\_") + r"\_%"
    databases = _names(access.superuser_dsn("storage"), "select datname from pg_database where datname like %s", like)
    tables = [
        table
        for database in databases
        for table in _names(
            access.superuser_dsn("storage", database),
            "select tablename from pg_tables where schemaname = %s order by 1",
            "tenant",
        )
    ]
    namespaces, releases = _workloads(access, slug)
    return TenantObjects(
        namespaces=namespaces,
        releases=releases,
        roles=_names(access.superuser_dsn("storage"), "select rolname from pg_roles where rolname like %s", like),
        databases=databases,
        connections=_names(
            access.superuser_dsn("platform", "airflow"), "select conn_id from connection where conn_id like %s", like
        ),
        tables=tuple(tables),
    )


def _workloads(access: Access, slug: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    with new_client_from_config(str(access.layout.kubeconfig)) as client:
        core = CoreV1Api(client)
        every = [namespace.metadata.name for namespace in core.list_namespace().items]
        ours = tuple(name for name in every if name.startswith(f"{slug}-"))
        secrets = [
            secret.metadata.name
            for namespace in ours
            for secret in core.list_namespaced_secret(namespace, label_selector="owner=helm").items
        ]
    return ours, tuple(sorted(secrets))


def _names(dsn: str, statement: str, parameter: str) -> tuple[str, ...]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        return tuple(row[0] for row in connection.execute(statement, (parameter,)))  # type: ignore[arg-type]


def assert_complete(access: Access, slug: str) -> TenantObjects:
    """Check that there is exactly one of each object, and every table."""
    found = find_objects(access, slug)
    assert (len(found.roles), len(found.databases), len(found.connections)) == (1, 1, 1), found
    assert (len(found.namespaces), len(found.releases)) == (1, 1), found
    assert found.tables == TABLES
    return found
