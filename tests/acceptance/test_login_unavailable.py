"""Airflow's own database hangs, so callers cannot be identified: a request by token gets an error and no tenant."""

import time
from concurrent.futures import ThreadPoolExecutor

from sandbox.access import Access
from tests.acceptance import runs
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
    assert "Airflow did not identify the caller within 1.2 s" in listed.json()["detail"]
    assert 'id="tenant-' not in page.text
    with sandbox.client("operator") as client:
        runs.wait_until(lambda: client.get("/tenancy/").status_code == 200, "the page to be back")


def test_a_write_waits_longer_than_a_read_because_a_person_did_it_once(sandbox: Access):
    path, body = "/tenancy/api/v1/tenants/nobody/reset", {"reason": "a test"}
    with sandbox.client("operator") as client, ThreadPoolExecutor(1) as thread:
        with table_locked(sandbox.metadata_dsn, TABLES, "access exclusive"):
            written = thread.submit(client.post, path, json=body, headers={"X-Tenancy-Request": "1"})
            server = sandbox.superuser_dsn("platform", "airflow")
            runs.wait_until(lambda: held(server, "%revoked_token%"), "the login to wait for the lock")
            time.sleep(1.5)  # longer than a read waits
        assert written.result().status_code == 404, written.result().text
