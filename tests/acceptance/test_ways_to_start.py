"""Which of our DAGs an operator may start in Airflow, and which requests are refused with a reason."""

from typing import Any

import pytest

from sandbox.access import Access
from tenancy.orchestration.run_starts import ALLOWED_RUN_TYPES
from tests.acceptance import runs

FUTURE = "2099-01-01T00:00:00Z"
A_DAY = {"from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-02T00:00:00Z"}


def _posted(access: Access, path: str, body: dict[str, Any], *, user: str = "operator") -> tuple[int, str]:
    with access.client(user) as client:
        answer = client.post(f"/api/v2/{path}", json=body)
    return answer.status_code, str(answer.json()["detail"]) if not answer.is_success else ""


@pytest.mark.parametrize("dag_id", sorted(ALLOWED_RUN_TYPES))
def test_no_dag_has_backfills(sandbox: Access, dag_id: str):
    body = {"dag_id": dag_id, **A_DAY}
    for user in ("operator", "engineer"):
        assert _posted(sandbox, "backfills", body, user=user)[0] in {400, 403}
        assert _posted(sandbox, "backfills/dry_run", body, user=user)[0] in {400, 403, 422}
    with sandbox.client("engineer") as client:
        assert client.get("/api/v2/backfills", params={"dag_id": dag_id}).json()["total_entries"] == 0


@pytest.mark.parametrize("dag_id", ["tenant_reconciliation", "tenant_notifications"])
def test_runs_that_airflow_starts_by_itself_cannot_be_started_manually(sandbox: Access, dag_id: str):
    status, message = _posted(sandbox, f"dags/{dag_id}/dagRuns", {"logical_date": None})
    assert (status, "does not allow manual runs" in message) == (400, True)


@pytest.mark.parametrize("dates", [{"logical_date": FUTURE}, {"logical_date": None, "run_after": FUTURE}])
@pytest.mark.parametrize("dag_id", ["tenant_provisioning", "tenant_reality_check"])
def test_no_run_is_put_off_and_nothing_is_left_of_the_request(
    sandbox: Access, dag_id: str, dates: dict[str, str | None]
):
    slug = runs.new_slug("later")
    conf = runs.request(slug) if dag_id == "tenant_provisioning" else {}
    status, message = _posted(sandbox, f"dags/{dag_id}/dagRuns", {**dates, "conf": conf, "dag_run_id": slug})
    assert (status, "starts at once" in message) == (400, True), message
    with sandbox.client("operator") as client:
        assert client.get(f"/api/v2/dags/{dag_id}/dagRuns/{slug}").status_code == 404
    assert runs.tenant(sandbox, slug) is None
