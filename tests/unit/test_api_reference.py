"""What every answer of the API carries, and the page that draws its OpenAPI document from our own assets."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import FastAPI

from tenancy.auth_manager import FAB, refusal_of, require_known
from tenancy.console.api.app import create_api
from tenancy.console.callers import Caller, NotAuthenticated, Right
from tenancy.console.pages.app import create_pages
from tenancy.console.services import Services
from tenancy.engine.tenancy import Tenancy
from tenancy.saga.errors import PlatformError, Refused, TransientError
from tests.asgi_requests import ask

VIEWER = Caller("ada", frozenset({Right.READ}))
WRITES = {"X-Tenancy-Request": "1"}


def _apps(raised: Exception, caller: Caller | None = VIEWER) -> tuple[FastAPI, FastAPI]:
    """The API and the pages, before a ledger that answers so."""

    def tenancy() -> Tenancy:
        raise raised

    async def authenticate(_request: Any) -> Caller:
        if caller is None:
            raise NotAuthenticated("No token")
        return caller

    parts = Services(tenancy, lambda: datetime(2026, 1, 31, tzinfo=UTC))
    return create_api(parts, authenticate), create_pages(parts, authenticate)


@pytest.mark.parametrize("caller", [None, VIEWER])
@pytest.mark.parametrize("raised", [Refused("no"), TransientError("later"), PlatformError("ours"), KeyError("x")])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/openapi.json"),
        ("GET", "/tenants"),
        ("GET", "/nowhere"),
        ("PUT", "/tenants"),
        ("POST", "/tenants"),
        ("POST", "/tenants/acme/cancel"),
    ],
)
def test_no_answer_is_kept_or_taken_for_something_else(
    raised: Exception, caller: Caller | None, method: str, path: str
):
    answer = ask(_apps(raised, caller)[0], method, path, headers=WRITES)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_the_api_serves_no_page_of_its_own():
    api, _ = _apps(Refused("no"))
    assert {ask(api, "GET", path).status_code for path in ("/docs", "/redoc", "/docs/oauth2-redirect")} == {404}


def test_the_reference_wants_a_login_and_the_right_to_read():
    nobody, guest = None, Caller("guest", frozenset())
    assert ask(_apps(Refused("no"), nobody)[1], "GET", "/api/v1/docs").status_code == 401
    assert ask(_apps(Refused("no"), guest)[1], "GET", "/api/v1/docs").status_code == 403


def test_the_reference_draws_every_route_and_field_from_our_own_assets():
    api, pages = _apps(Refused("no"))
    answer = ask(pages, "GET", "/api/v1/docs")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert not re.search(r"<style|\sstyle=|<script>", answer.text)
    for path, methods in api.openapi()["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in answer.text
    assert all(f">{field}" in answer.text for field in ("slug", "admin_email", "X-Tenancy-Request", "dry_run"))


def test_page_and_api_report_a_misconfigured_platform_with_its_own_message():
    api, pages = _apps(PlatformError("The auth manager is not known."))
    for app in (api, pages):
        answer = ask(app, "GET", "/tenants/acme")
        assert answer.status_code == 503
        assert "The auth manager is not known." in answer.text


class _Simple:
    """Stands for any auth manager that is not FAB's."""


class _Fab:
    """Stands for FAB's, which takes a second to import."""


_Fab.__module__, _Fab.__qualname__ = FAB.rpartition(".")[0], FAB.rpartition(".")[2]


class _OurFab(_Fab):
    """A company's own, derived from FAB's."""


def test_only_an_auth_manager_whose_permissions_are_known_is_accepted():
    assert refusal_of(_Fab) is None
    assert refusal_of(_OurFab) is None
    with pytest.raises(PlatformError, match=f"AIRFLOW__CORE__AUTH_MANAGER={FAB}"):
        require_known(_Simple)
