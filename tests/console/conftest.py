"""Users of the API in the sandbox, and a tenant to talk about."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from sandbox.access import Access
from tests.acceptance import runs

API = "/tenancy/api/v1"
WRITES = {"X-Tenancy-Request": "1"}


@pytest.fixture(scope="session")
def client_of(sandbox: Access) -> Iterator[Callable[[str], httpx.Client]]:
    """A client of the API for each user, logged in once."""
    clients: dict[str, httpx.Client] = {}
    with ExitStack() as stack:

        def of(user: str) -> httpx.Client:
            if user not in clients:
                headers = {"Authorization": f"Bearer {sandbox.token(user)}"}
                base = f"{sandbox.api_url}{API}"
                clients[user] = stack.enter_context(
                    httpx.Client(base_url=base, headers=headers, timeout=30, trust_env=False)
                )
            return clients[user]

        yield of


@pytest.fixture
def anonymous(sandbox: Access) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{sandbox.api_url}{API}", timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def viewer(client_of: Callable[[str], httpx.Client]) -> httpx.Client:
    return client_of("viewer")


@pytest.fixture
def operator(client_of: Callable[[str], httpx.Client]) -> httpx.Client:
    return client_of("operator")


@pytest.fixture
def engineer(client_of: Callable[[str], httpx.Client]) -> httpx.Client:
    return client_of("engineer")


@pytest.fixture(scope="session")
def active(sandbox: Access) -> dict[str, Any]:
    """The row of an Active tenant; tests ask for what is refused to it, or changes nothing."""
    return provisioned(sandbox, "api")


@pytest.fixture(scope="session")
def quiet(sandbox: Access) -> dict[str, Any]:
    """The row of an Active tenant that is only read."""
    return provisioned(sandbox, "quiet")


def provisioned(sandbox: Access, prefix: str) -> dict[str, Any]:
    """The row of a tenant that has just become Active."""
    slug = runs.new_slug(prefix)
    runs.trigger(sandbox, runs.request(slug))
    runs.await_phase(sandbox, slug, "Active")
    row = runs.tenant(sandbox, slug)
    assert row is not None
    return row


def assert_problem(answer: httpx.Response, status: int, *, field: str | None = None) -> dict[str, Any]:
    """It is a whole problem of this status, with a sentence."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert (body["status"], body["type"]) == (status, f"urn:tenancy:problem:{status}")
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == answer.url.path
    assert body.get("field") == field
    return body
