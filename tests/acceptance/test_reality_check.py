"""The drift check in the real Airflow: the API reports orphans and missing resources until they are repaired."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from kubernetes.client import CoreV1Api
from kubernetes.config import new_client_from_config
from psycopg import sql

from sandbox.access import Access
from tests.acceptance import operators, runs
from tests.acceptance.command_line import Operator
from tests.acceptance.tenant_objects import find_objects

DAG = "/api/v2/dags/tenant_reality_check"
_FIELDS = ("connection_id", "conn_type", "description", "host", "port", "schema", "login", "extra")
PATIENCE_SECONDS = 240.0
"""A pass waits for one that the schedule has begun, and that one for whatever an earlier test made slow."""


def check(access: Access) -> None:
    """One whole pass, from now on."""
    a_pass(access, DAG)


def a_pass(access: Access, dag: str) -> None:
    """One run of this DAG, from now to its end."""
    with access.client("operator") as client:
        answer = client.post(f"{dag}/dagRuns", json={"logical_date": None})
    assert answer.status_code == 200, answer.text
    path = f"{dag}/dagRuns/{answer.json()['dag_run_id']}"
    ended: dict[str, Any] = {}

    def look() -> bool:
        ended.update(runs.get(access, path))
        return ended["state"] in {"success", "failed"}

    runs.wait_until(look, f"a run of {dag} to end", seconds=PATIENCE_SECONDS, every=0.5)  # each look logs in anew
    assert ended["state"] == "success"


def found(access: Access, name: str) -> set[tuple[str, str]]:
    """What and kind of all findings about objects of this name."""
    findings = operators.get(access, "/findings")["findings"]
    return {(each["what"], each["kind"]) for each in findings if each["name"] == name}


@contextmanager
def left_behind(access: Access, name: str, proof: str) -> Iterator[None]:
    """A role with its database, and a namespace, as a restored ledger would leave them. They must be there still at
    the end: only a person removes something."""
    role, text = sql.Identifier(name), sql.Literal(proof)
    with psycopg.connect(access.superuser_dsn("storage"), autocommit=True) as storage:
        storage.execute(sql.SQL("create role {}").format(role))
        storage.execute(sql.SQL("comment on role {} is {}").format(role, text))
        storage.execute(sql.SQL("create database {0} owner {0}").format(role))
    labels = {"tenancy.internal/platform": "sandbox"}
    metadata = {"name": name.replace("_", "-"), "labels": labels, "annotations": {"tenancy.internal/proof": proof}}
    with new_client_from_config(str(access.layout.kubeconfig)) as client:
        CoreV1Api(client).create_namespace({"metadata": metadata})
        try:
            yield
        finally:
            CoreV1Api(client).delete_namespace(metadata["name"])
            with psycopg.connect(access.superuser_dsn("storage"), autocommit=True) as storage:
                storage.execute(sql.SQL("drop database {} with (force)").format(role))
                storage.execute(sql.SQL("drop role {}").format(role))
            runs.wait_until(lambda: not _exists(CoreV1Api(client), str(metadata["name"])), "the namespace to be gone")


def _exists(core: CoreV1Api, namespace: str) -> bool:
    return namespace in [each.metadata.name for each in core.list_namespace().items]


@pytest.fixture
def active(sandbox: Access) -> str:
    """The slug of an Active tenant."""
    slug = runs.new_slug("real")
    runs.trigger(sandbox, runs.request(slug))
    assert runs.await_phase(sandbox, slug, "Active") == "Active"
    return slug


def test_orphans_and_missing_resources_are_reported_until_they_are_gone(sandbox: Access, active: str):
    tenant_id, left = str(uuid.uuid4()), runs.new_slug("left").replace("-", "_")
    (connection,) = find_objects(sandbox, active).connections
    kept = runs.get(sandbox, f"/api/v2/connections/{connection}")

    with left_behind(sandbox, left, f"tenancy:sandbox:{tenant_id}"), sandbox.client("engineer") as engineer:
        assert engineer.delete(f"/api/v2/connections/{connection}").status_code == 204
        check(sandbox)

        # The ledger has no credential for it, so nobody can look inside: its schema counts as there.
        assert found(sandbox, left) == {("orphan", "role"), ("orphan", "database"), ("orphan", "schema")}
        assert found(sandbox, left.replace("_", "-")) == {("orphan", "namespace")}
        assert found(sandbox, connection) == {("missing", "connection")}
        shown = operators.get(sandbox, f"/tenants/{active}")["findings"]
        assert [each["name"] for each in shown] == [connection]
        result = Operator(sandbox)("findings")
        assert result.returncode == 1
        assert f"missing  connection {connection}" in result.stdout

        mended = {key: kept[key] for key in _FIELDS}
        assert engineer.post("/api/v2/connections", json=mended).status_code == 201

    check(sandbox)
    assert not found(sandbox, left) | found(sandbox, left.replace("_", "-")) | found(sandbox, connection)


def test_health_reports_when_the_drift_check_last_ran(sandbox: Access):
    check(sandbox)
    beats = {each["name"]: each for each in operators.get(sandbox, "/health")["reconcilers"]}
    assert not beats["reality check"]["late"]
    assert beats["reality check"]["last_beat"] == operators.get(sandbox, "/findings")["check"]["last_beat"]
