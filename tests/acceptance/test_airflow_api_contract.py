"""A real Airflow's REST API, entered as the service user, keeps the contract of tests/contract."""

import pytest

from sandbox.access import Access
from sandbox.airflow_contents import SERVICE_USER
from tenancy.adapters.airflow_api import AirflowApi
from tenancy.adapters.airflow_client import AirflowClient
from tenancy.saga.errors import PlatformError, TransientError
from tests.contract.handles_contract import HandlesContract


class TestAirflowApi(HandlesContract):
    @pytest.fixture
    def engine(self, sandbox: Access) -> AirflowApi:
        password = sandbox.password(SERVICE_USER)
        # The usual 10 s were too short for one of 150 writes while another sandbox started on the same two cores.
        return AirflowApi(AirflowClient(sandbox.api_url, user=SERVICE_USER, password=password, read_seconds=60.0))


def test_a_wrong_password_is_the_platforms_fault_and_is_not_repeated(sandbox: Access):
    engine = AirflowApi(AirflowClient(sandbox.api_url, user=SERVICE_USER, password="not-the-password"))
    with pytest.raises(PlatformError, match=f"login of {SERVICE_USER}") as raised:
        engine.has_pool("default_pool")
    assert "not-the-password" not in str(raised.value)


def test_a_missing_engine_is_tried_again():
    engine = AirflowApi(AirflowClient("http://127.0.0.1:9", user=SERVICE_USER, password="any"))
    with pytest.raises(TransientError, match=r"does not respond at http://127\.0\.0\.1:9"):
        engine.has_pool("default_pool")
