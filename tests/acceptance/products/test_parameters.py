"""A product's parameters by every way into a real Airflow: the form's REST API, our API, and tenantctl. A wrong one is
refused with its field; a right one ends in the chart; a secret is nowhere else."""

import base64
from typing import Any

import psycopg
import pytest
from kubernetes.client import CoreV1Api
from kubernetes.config import new_client_from_config

from sandbox.access import Access
from tests.acceptance import operators, runs
from tests.acceptance.command_line import WHY, Operator
from tests.acceptance.tenant_objects import find_objects

CANARY = "canary-9c1f-hunter2"
CONNECTION = "secret_acme_smtp"
PRODUCT = "crm"
DAG = f"{runs.DAG}__{PRODUCT}"


def in_the_chart(access: Access, slug: str) -> dict[str, str]:
    """What the tenant's workloads have: the parameters, and the secret."""
    (namespace,) = find_objects(access, slug).namespaces
    with new_client_from_config(str(access.layout.kubeconfig)) as client:
        core = CoreV1Api(client)
        values = core.read_namespaced_config_map("parameters", namespace).data
        secret = core.read_namespaced_secret("smtp", namespace).data["password"]
    return {**values, "password": base64.b64decode(secret).decode()}


def add_the_secret(access: Access) -> None:
    connection = {"connection_id": CONNECTION, "conn_type": "generic", "password": CANARY}
    with access.client("engineer") as client:
        assert client.post("/api/v2/connections", json=connection).status_code == 201


def asked(**changes: Any) -> dict[str, Any]:
    return runs.request(runs.new_slug("p"), **changes)


def refused_by_airflow(access: Access, conf: dict[str, Any]) -> str:
    with access.client("operator") as client:
        answer = client.post(f"{DAG}/dagRuns", json={"logical_date": None, "conf": conf})
    assert answer.status_code == 400, answer.text
    return answer.text


@pytest.mark.timeout(600)
def test_a_parameter_is_checked_by_every_way_in_and_ends_in_the_chart(several: Access):
    add_the_secret(several)
    tenantctl = Operator(several)
    given = {"seats": 7, "tier": "gold", "smtp_password": CONNECTION}

    # By Airflow's REST API, side by side with the fixed fields.
    by_airflow = asked(**given)
    for wrong in ({"seats": 100}, {"tier": "lead"}, {"smtp_password": CANARY}):
        (key,) = wrong
        assert key in refused_by_airflow(several, {**by_airflow, **wrong})
    runs.trigger(several, by_airflow, dag=DAG)

    # By our API, each mistake with its field.
    by_api = asked()
    wrong = {**given, "seats": 0, "smtp_password": CANARY}
    answer = operators.send(several, "/tenants", {**by_api, "product": PRODUCT, "parameters": wrong})
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == ["parameters.seats", "parameters.smtp_password"]
    assert operators.create(several, {**by_api, "product": PRODUCT, "parameters": given})["parameters"] == given

    # By the command line, whose texts the schema reads.
    by_hand = runs.new_slug("p")
    words = ["--name", "Acme", "--plan", "starter", "--region", "eu-central", "--admin-email", "a@acme.example"]
    words += ["--product", PRODUCT]
    settings = ["--set", "tier=gold", "--set", f"smtp_password={CONNECTION}"]
    ended = tenantctl("create", by_hand, *words, *settings, "--set", "seats=many")
    assert (ended.returncode, "seats: must be a whole number." in ended.stderr) == (2, True)
    assert runs.phase(several, by_hand) == "unknown"
    tenantctl.run("create", by_hand, *words, *settings, "--set", "seats=8")

    slugs = [str(by_airflow["slug"]), str(by_api["slug"]), by_hand]
    for slug, seats in zip(slugs, ("7", "7", "8"), strict=True):
        runs.await_phase(several, slug, "Active")
        assert in_the_chart(several, slug) == {"seats": seats, "tier": "gold", "password": CANARY}
    assert "seats: 8" in tenantctl.run("show", by_hand)

    # A retry corrects a parameter.
    late = asked()
    operators.create(several, {**late, "product": PRODUCT, "parameters": given})
    operators.perform(several, late["slug"], "cancel")
    runs.await_phase(several, late["slug"], "Failed settled")
    operators.perform(several, late["slug"], "reset")
    tenantctl.run("retry", late["slug"], *WHY[:2], "--set", "seats=9")
    runs.await_phase(several, late["slug"], "Active")
    assert in_the_chart(several, late["slug"])["seats"] == "9"
    slugs.append(late["slug"])

    assert_secret_is_nowhere(several, slugs, tenantctl)


def assert_secret_is_nowhere(access: Access, slugs: list[str], tenantctl: Operator) -> None:
    """Not in facts, confs, logs, pages, nor in a dry run; only in Airflow's connection and in the cluster."""
    with psycopg.connect(access.ledger_dsn) as connection:
        facts = str(connection.execute("select * from ledger.fact").fetchall())
    with psycopg.connect(access.metadata_dsn) as connection:
        confs = str(connection.execute("select conf from dag_run").fetchall())
        xcoms = str(connection.execute("select value from xcom").fetchall())
    with access.client("operator") as client:
        pages = [client.get(f"/tenancy/tenants/{slug}").text for slug in slugs]
    shown = [tenantctl.run("decommission", slugs[0], *WHY, "--dry-run"), tenantctl.run("timeline", slugs[0])]
    logs = [file.read_text(errors="replace") for file in access.layout.logs.rglob("*") if file.is_file()]
    assert CONNECTION in facts
    assert CONNECTION in confs
    assert all(CONNECTION in page for page in pages)
    assert logs
    for text in (facts, confs, xcoms, *pages, *shown, *logs):
        assert CANARY not in text
