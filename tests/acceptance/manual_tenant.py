"""A tenant as the product would leave it, but created without it: a database with its schema, and a release.

It serves tests of the sandbox, which then need no saga.
"""

import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from json import dumps
from typing import Any

import psycopg
from kubernetes.client import ApiClient, AppsV1Api, CoreV1Api, NetworkingV1Api
from psycopg import sql

from sandbox.access import Access
from tests.unit.tenants import furnish

SLUG, REGION, HOST = "by-hand", "eu-central", "by-hand.eu.tenants.localhost"
DATABASE = f"by_hand_{hashlib.sha256(b'by hand').hexdigest()[:10]}"
_LABELS = {"app": "tenant"}


@dataclass(frozen=True)
class ManualTenant:
    """Its database and its release."""

    access: Access
    dsn: str
    core: CoreV1Api
    apps: AppsV1Api

    def visit(self, path: str = "/healthz", method: str = "GET", **fields: str) -> tuple[int, str]:
        """The status of a request like curl's; 0 when the connection is cut."""
        connection = HTTPConnection("127.0.0.1", self.access.ports["ingress"], timeout=10)
        try:
            connection.request(method, path, dumps(fields) if fields else None, {"Host": HOST})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except ConnectionError:
            return 0, ""
        finally:
            connection.close()

    def until(self, status: int, path: str = "/healthz") -> None:
        deadline = time.monotonic() + 15
        while (answered := self.visit(path))[0] != status:
            assert time.monotonic() < deadline, answered
            time.sleep(0.05)

    def restart(self) -> None:
        """Create new pods, which meet the present faults."""
        self.core.delete_collection_namespaced_pod(SLUG)

    def waiting(self) -> str:
        """Why the first pod's container waits, or why its pod is not scheduled."""
        pods = self.core.list_namespaced_pod(SLUG).items
        status = next((pod.status for pod in pods if pod.metadata.deletion_timestamp is None), None)
        if status is None:
            return ""
        reasons = [each.state.waiting.reason for each in status.container_statuses or [] if each.state.waiting]
        reasons += [each.reason for each in status.conditions or [] if each.reason == "Unschedulable"]
        return reasons[0] if reasons else ""


@contextmanager
def tenant(access: Access, api: ApiClient) -> Iterator[ManualTenant]:
    with _database(access) as dsn:
        made = ManualTenant(access, dsn, CoreV1Api(api), AppsV1Api(api))
        _release(made, NetworkingV1Api(api))
        try:
            yield made
        finally:
            made.core.delete_namespace(SLUG)


@contextmanager
def _database(access: Access) -> Iterator[str]:
    name, password = sql.Identifier(DATABASE), secrets.token_urlsafe(12)
    with psycopg.connect(access.superuser_dsn("storage"), autocommit=True) as server:
        server.execute(sql.SQL("create role {} login password {}").format(name, sql.Literal(password)))
        server.execute(sql.SQL("grant {} to storage_admin with set true, inherit true").format(name))
        server.execute(sql.SQL("create database {} owner {}").format(name, name))
    dsn = access.server("storage").dsn(DATABASE, DATABASE, password)
    furnish(dsn)
    yield dsn
    with psycopg.connect(access.superuser_dsn("storage"), autocommit=True) as server:
        server.execute(sql.SQL("drop database {} with (force)").format(name))
        server.execute(sql.SQL("drop role {}").format(name))


def _release(made: ManualTenant, networking: NetworkingV1Api) -> None:
    labels = {"tenancy.internal/slug": SLUG, "tenancy.internal/region": REGION}
    made.core.create_namespace({"metadata": {"name": SLUG, "labels": labels}})
    made.core.create_namespaced_secret(SLUG, {"metadata": {"name": "database"}, "stringData": {"dsn": made.dsn}})
    ports = [{"port": 80, "protocol": "TCP"}]
    made.core.create_namespaced_service(SLUG, _named("web", {"selector": _LABELS, "ports": ports}))
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    rule = {"host": HOST, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    networking.create_namespaced_ingress(SLUG, _named("web", {"rules": [rule]}))
    made.apps.create_namespaced_deployment(SLUG, _named("web", _deployment()))


def _named(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": spec}


def _deployment() -> dict[str, Any]:
    variable = {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "database", "key": "dsn"}}}
    container = {"name": "app", "image": "tenant:1", "env": [variable]}
    template = {"metadata": {"labels": _LABELS}, "spec": {"containers": [container]}}
    return {"replicas": 1, "selector": {"matchLabels": _LABELS}, "template": template}
