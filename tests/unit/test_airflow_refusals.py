"""What the workflow engine's unexpected answers become: worth a retry or not, in one sentence, without secrets."""

import httpx
import pytest

from tenancy.adapters.airflow_client import refusal
from tenancy.saga.errors import PermanentError, TransientError

DATABASE_ERROR = {"detail": {"reason": "Database error", "statement": "hidden", "message": "Look for ID abc."}}


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_an_engine_in_trouble_is_worth_a_retry_and_no_matter_of_the_tenant(status: int):
    told = refusal("POST /connections", httpx.Response(status, json=DATABASE_ERROR))
    assert type(told) is TransientError
    assert str(told) == (
        f"The workflow engine answered {status} to POST /connections: Database error: Look for ID abc. "
        "This is a platform matter, not the tenant's: escalate if it lasts."
    )


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_an_engine_that_says_no_is_not_asked_again(status: int):
    told = refusal("GET /pools/x", httpx.Response(status, json={"detail": "Forbidden"}))
    assert type(told) is PermanentError
    assert str(told) == f"The workflow engine answered {status} to GET /pools/x: Forbidden"


def test_what_it_was_sent_is_not_told():
    """As Airflow 3.3.2 answers when a field is missing: with all the others."""
    wrong = {"type": "missing", "loc": ["body", "conn_type"], "msg": "Field required", "input": {"password": "secret"}}
    told = refusal("POST /connections", httpx.Response(422, json={"detail": [wrong]}))
    assert str(told).endswith("422 to POST /connections: body.conn_type: Field required")


def test_an_answer_that_is_no_json_is_told_as_it_is():
    assert "Bad Gateway" in str(refusal("GET /pools/x", httpx.Response(502, text="<h1>Bad Gateway</h1>")))
