"""What the workflow engine's unexpected answers become: worth a retry or not, in one sentence, without secrets."""

import httpx
import pytest

from tenancy.adapters.airflow_responses import rejected
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError

DATABASE_ERROR = {"detail": {"reason": "Database error", "statement": "hidden", "message": "Look for ID abc."}}


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_failing_engine_is_tried_again_and_is_not_the_tenants_fault(status: int):
    error = rejected("POST /connections", httpx.Response(status, json=DATABASE_ERROR))
    assert type(error) is TransientError
    assert str(error) == (
        f"The workflow engine answered {status} to POST /connections: Database error: Look for ID abc. "
        "This is a platform matter, not the tenant's: escalate if it lasts."
    )


@pytest.mark.parametrize("status", [400, 409, 422])
def test_an_engine_that_objects_to_the_request_is_not_asked_again(status: int):
    error = rejected("GET /pools/x", httpx.Response(status, json={"detail": "Bad name"}))
    assert type(error) is PermanentError
    assert str(error) == f"The workflow engine answered {status} to GET /pools/x: Bad name."


@pytest.mark.parametrize(
    ("status", "cause", "remedy"),
    [
        (401, Cause.PLATFORM_CREDENTIALS, "Correct the login and password in the Airflow connection"),
        (403, Cause.PLATFORM_RIGHTS, "the role Tenancy Service"),
        (302, Cause.ENGINE_REFUSES, "correct the Airflow connection tenancy_airflow_api"),
        (404, Cause.ENGINE_REFUSES, "correct the Airflow connection tenancy_airflow_api"),
        (405, Cause.ENGINE_REFUSES, "correct the Airflow connection tenancy_airflow_api"),
    ],
)
def test_our_login_and_another_servers_answer_are_the_platforms_fault(status: int, cause: Cause, remedy: str):
    error = rejected("GET /pools/x", httpx.Response(status, json={"detail": "Forbidden"}))
    assert (type(error), error.cause) == (PlatformError, cause)
    assert remedy in str(error)


def test_what_it_was_sent_is_not_reported():
    """As Airflow 3.3.2 answers when a field is missing: with all the others."""
    wrong = {"type": "missing", "loc": ["body", "conn_type"], "msg": "Field required", "input": {"password": "secret"}}
    error = rejected("POST /connections", httpx.Response(422, json={"detail": [wrong]}))
    assert str(error).endswith("422 to POST /connections: body.conn_type: Field required.")


def test_a_response_that_is_not_json_is_reported_unchanged():
    assert "Bad Gateway" in str(rejected("GET /pools/x", httpx.Response(502, text="<h1>Bad Gateway</h1>")))
