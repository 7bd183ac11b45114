"""Schemathesis over the OpenAPI: whatever is sent, no 5xx, no undocumented status, no answer of another shape."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sandbox.access import Access
from tenancy.console.api.app import create_api
from tenancy.console.callers import Caller, NotAuthenticated
from tenancy.console.services import Services
from tenancy.engine.tenancy import Tenancy
from tests.console.conftest import provisioned

EXAMPLES = 15
CHECKS: list[Any] = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
]  # fmt: skip


def _document() -> dict[str, Any]:
    def nothing() -> Tenancy:
        raise NotImplementedError

    async def nobody(_request: Any) -> Caller:
        raise NotAuthenticated

    return create_api(Services(nothing, lambda: datetime.now(UTC)), nobody).openapi()


SCHEMA = schemathesis.openapi.from_dict(_document())
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]


@pytest.fixture(scope="session")
def victim(sandbox: Access) -> str:
    """A tenant that anything may be done to."""
    return str(provisioned(sandbox, "fuzz")["slug"])


def test_the_served_document_is_the_one_that_is_tested(anonymous: httpx.Client):
    served = anonymous.get("/openapi.json").json()
    assert served["paths"] == SCHEMA.raw_schema["paths"]
    assert len(OPERATIONS) == 23


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=lambda mode: mode.value)
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_whatever_is_sent_the_answer_is_documented(
    engineer: httpx.Client, victim: str, operation: Any, mode: GenerationMode
):
    token = engineer.headers["Authorization"]
    bounds = settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )

    @bounds
    @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
    def holds(case: Any, known: bool) -> None:
        # Starlette's mounts match no path with a line feed (1.10): Airflow answers those, with its own 404.
        assume("\n" not in str(case.path_parameters.get("ref")))
        if known:  # what nobody would guess: a tenant there is, and that it is meant
            case.headers["X-Tenancy-Request"] = "1"
            if "ref" in case.path_parameters:
                case.path_parameters["ref"] = victim
        case.call_and_validate(
            base_url=str(engineer.base_url).rstrip("/"), headers={"Authorization": token}, checks=CHECKS, timeout=30
        )

    holds()
