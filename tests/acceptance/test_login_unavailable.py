"""Airflow's own database hangs, so callers cannot be identified: a request by token gets an error and no tenant."""

from sandbox.access import Access
from tests.acceptance.gates import held, table_locked

TABLES = "public.ab_user, public.revoked_token"


def test_a_caller_who_cannot_be_identified_in_time_sees_which_system_hangs_and_no_tenant(sandbox: Access):
    with sandbox.client("operator") as client, table_locked(sandbox.metadata_dsn, TABLES, "access exclusive"):
        page, listed = client.get("/tenancy/"), client.get("/tenancy/api/v1/tenants")
        assert held(sandbox.superuser_dsn("platform", "airflow"), "%revoked_token%"), (
            "it was answered before that gave up"
        )
    assert (page.status_code, listed.status_code) == (503, 503)
    assert "Airflow&#39;s login does not respond" in page.text
    assert "Airflow has not identified the caller for 1.2 s" in listed.json()["detail"]
    assert 'id="tenant-' not in page.text
    with sandbox.client("operator") as client:
        assert client.get("/tenancy/").status_code == 200
