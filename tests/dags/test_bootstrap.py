"""Joining the real parts from Airflow's connections: what is missing, and what only seems to be."""

import pytest

from tenancy import bootstrap
from tenancy.saga.errors import PermanentError, TransientError


@pytest.fixture
def _no_secrets_backend_finds_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a task whose api-server does not answer: Airflow tells no difference."""
    monkeypatch.setattr("airflow.sdk.execution_time.supervisor.ensure_secrets_backend_loaded", list)


@pytest.mark.usefixtures("_no_secrets_backend_finds_anything")
def test_a_connection_that_airflow_does_not_find_is_worth_a_retry():
    with pytest.raises(TransientError, match=r"tenancy_ledger cannot be read: it is not there, or .* does not answer"):
        bootstrap.tenancy()


@pytest.mark.usefixtures("_no_secrets_backend_finds_anything")
def test_so_is_a_clusters():
    region = bootstrap.platform().regions["eu-central"]
    with pytest.raises(TransientError, match="tenancy_cluster_eu cannot be read"):
        bootstrap._cluster(region)


def test_a_connection_that_leads_nowhere_is_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIRFLOW_CONN_TENANCY_CLUSTER_EU", '{"conn_type": "kubernetes", "extra": {"kube_config": "{}"}}')
    region = bootstrap.platform().regions["eu-central"]
    with pytest.raises(PermanentError, match="tenancy_cluster_eu cannot be used: Invalid kube-config"):
        bootstrap._cluster(region)
