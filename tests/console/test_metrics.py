"""The metrics as Prometheus fetches them: from the real api-server, with a bearer token."""

import httpx

from sandbox.access import Access
from tests.openmetrics_reader import read

TENANT_LABELS = frozenset({"state", "substate", "product"})


def scrape(sandbox: Access, **headers: str) -> httpx.Response:
    return httpx.get(f"{sandbox.api_url}/tenancy/metrics", headers=headers, timeout=30, trust_env=False)


def test_a_viewers_token_reads_them(sandbox: Access):
    answer = scrape(sandbox, Authorization=f"Bearer {sandbox.token('viewer')}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    document = read(answer.text)
    assert document.value("tenancy_reconciler_lag_seconds", reconciler="reconciliation") >= 0
    assert {frozenset(each.labels) for each in document.families["tenancy_tenants"].samples} == {TENANT_LABELS}


def test_nobody_reads_them_without_one(sandbox: Access):
    for headers in ({}, {"Authorization": "Bearer made.up.token"}):
        answer = scrape(sandbox, **headers)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
