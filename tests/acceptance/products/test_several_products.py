"""Several products in one Airflow: each has its DAG, a broken one stops nobody else, and its tenants can be undone."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.access import Access
from tests.acceptance import operators, runs
from tests.acceptance.products.conftest import MISTAKES
from tests.acceptance.tenant_objects import find_objects

SAMPLE_DAG = "tenant_provisioning"
CRM_DAG, MAIL_DAG, ERP_DAG = (f"{SAMPLE_DAG}__{product}" for product in ("crm", "mail", "erp"))
BROKEN_FILE = "tenant_products.py"


def create(access: Access, product: str = "") -> str:
    asked = runs.request(runs.new_slug(product or "s"))
    tenant = operators.create(access, {**asked, **({"product": product} if product else {})})
    assert tenant["product"] == (product or "sample")
    return str(tenant["slug"])


def import_errors(access: Access) -> dict[str, str]:
    found = runs.get(access, "/api/v2/importErrors")["import_errors"]
    return {Path(each["filename"]).name: each["stack_trace"] for each in found}


def dag_ids(access: Access) -> set[str]:
    found = runs.get(access, "/api/v2/dags?dag_id_pattern=tenant_provisioning")["dags"]
    return {each["dag_id"] for each in found}


def dag_of(access: Access, slug: str) -> str:
    """The DAG in which Airflow has the tenant's first run."""
    run_id = runs.first_run(access, slug)
    with access.client("engineer") as client:
        found = [dag for dag in (SAMPLE_DAG, CRM_DAG) if client.get(f"/api/v2/dags/{dag}/dagRuns/{run_id}").is_success]
    assert len(found) == 1, found
    return found[0]


def undo(access: Access, slug: str) -> None:
    operators.perform(access, slug, "decommission", confirm_slug=slug)
    runs.await_phase(access, slug, "Decommissioned")
    assert find_objects(access, slug).is_empty


def checks_of(access: Access) -> dict[str, dict[str, Any]]:
    found = operators.get(access, "/health")["checks"]
    return {each["part"]: each for each in found if each["system"] == "product"}


@pytest.mark.timeout(600)
def test_two_products_go_on_beside_a_broken_one_and_one_that_breaks_can_be_undone(several: Access, products: Path):
    runs.wait_until(lambda: dag_ids(several) == {SAMPLE_DAG, CRM_DAG, MAIL_DAG}, "their DAGs to be there")
    runs.wait_until(lambda: BROKEN_FILE in import_errors(several), "the import error of the third product")
    wrong = import_errors(several)
    assert list(wrong) == [BROKEN_FILE]
    for text in (f"There is no DAG {ERP_DAG}.", "unknown key colour", "unknown key shape"):
        assert text in wrong[BROKEN_FILE]

    # Each product provisions: one tenant of the default one, two of the other.
    first, second, third = create(several), create(several, "crm"), create(several, "crm")
    operators.perform(several, third, "cancel")
    for slug in (first, second):
        runs.await_phase(several, slug, "Active")
    assert [dag_of(several, slug) for slug in (first, second)] == [SAMPLE_DAG, CRM_DAG]
    listed = operators.get(several, "/tenants?product=crm")["tenants"]
    assert {second, third} <= {each["slug"] for each in listed}
    assert {each["product"] for each in listed} == {"crm"}

    # One is cancelled and retried, in the DAG of its product.
    runs.await_phase(several, third, "Failed settled")
    operators.perform(several, third, "reset")
    operators.perform(several, third, "retry")
    runs.await_phase(several, third, "Active")

    # The other product breaks after it was provisioned; one of its tenants is in flight.
    late = create(several, "crm")
    file = products / "crm" / "product.toml"
    whole = file.read_text()
    file.write_text(whole + MISTAKES)
    runs.wait_until(lambda: CRM_DAG in import_errors(several).get(BROKEN_FILE, ""), "its import error")
    assert list(import_errors(several)) == [BROKEN_FILE]
    operators.perform(several, late, "cancel", confirm_slug=late)
    runs.await_phase(several, late, "Failed settled")
    undo(several, second)
    undo(several, late)
    runs.wait_until(lambda: checks_of(several)["crm"]["state"] == "down", "the health of the product")
    assert "unknown key colour" in checks_of(several)["crm"]["said"]

    # Meanwhile the default product goes on.
    another = create(several)
    runs.await_phase(several, another, "Active")
    undo(several, another)
    undo(several, first)

    # Corrected, the broken one provisions again.
    file.write_text(whole)
    runs.wait_until(lambda: CRM_DAG in dag_ids(several), "its DAG to be back")
    runs.wait_until(lambda: CRM_DAG not in import_errors(several).get(BROKEN_FILE, ""), "its import error to go")
    undo(several, third)
