"""The tenant admin's invitation on a whole platform below Airflow: who is shown it, how often, and what keeps it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, LiteralString

import httpx
import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from tenancy.activities.allocate_storage import DATABASE, ROLE
from tenancy.activities.invitations import digest_of
from tenancy.console.api.app import create_api
from tenancy.console.callers import Caller, Right
from tenancy.console.pages.app import create_pages
from tenancy.console.services import Services
from tenancy.engine.actions import invitation
from tenancy.ledger.envelope import Stamp
from tenancy.saga import facts as f
from tenancy.saga.errors import PlatformError, Refused
from tests.asgi_requests import ask
from tests.integration.engine_harness import DEPLOY, EngineHarness

ADA, BOB = Stamp("ada", reason="lost"), Stamp("bob")
WRITES = {"X-Tenancy-Request": "1"}
WHERE = "/tenants/acme/invitation"


@pytest.fixture
def active(harness: EngineHarness) -> EngineHarness:
    harness.run_all()
    return harness


def _in_database(harness: EngineHarness, statement: LiteralString) -> list[dict[str, Any]]:
    """In the tenant's own database, as somebody who may do everything there."""
    name = next(each.name for each in harness.saga.resources if each.kind == DATABASE)
    with psycopg.connect(harness.server.superuser_dsn(name), autocommit=True, row_factory=dict_row) as connection:
        return connection.execute(statement).fetchall()


def _rows(harness: EngineHarness) -> list[dict[str, Any]]:
    """What the tenant knows of its admins' invitations."""
    return _in_database(harness, "select invitation_digest as digest, invitation_used_at as used_at from tenant.users")


def _shown(harness: EngineHarness) -> list[str]:
    """Who was shown one, by the ledger."""
    return [each.stamp.actor for each in harness.envelopes if isinstance(each.fact, f.InvitationShown)]


def _is_written(harness: EngineHarness, secret: str) -> bool:
    """Does it stand anywhere in the ledger's database?"""
    with psycopg.connect(harness.ledger.url) as connection:
        tables = connection.execute("select tablename from pg_tables where schemaname = 'ledger'").fetchall()
        found = [
            connection.execute(sql.SQL("select t::text from ledger.{} as t").format(sql.Identifier(name))).fetchall()
            for (name,) in tables
        ]
    return secret in str(found)


def _asked(
    harness: EngineHarness, application: Any, method: str = "POST", who: str = "ada", **more: Any
) -> httpx.Response:
    async def authenticate(_request: Any) -> Caller:
        return Caller(who, frozenset({Right.READ} if who == "viewer" else Right))

    app = application(Services(lambda: harness.tenancy, lambda: datetime.now(UTC)), authenticate)
    return ask(app, method, WHERE, headers={**WRITES, **more.pop("headers", {})}, **more)


def test_it_is_the_one_that_the_tenants_database_knows(active: EngineHarness):
    shown = invitation.show(active.tenancy, active.tenant_id, by=ADA)
    assert [row["digest"] for row in _rows(active)] == [digest_of(shown.secret)]
    assert shown.secret not in repr(shown)


def test_the_second_request_learns_who_saw_it_and_when(active: EngineHarness):
    invitation.show(active.tenancy, active.tenant_id, by=ADA)
    with pytest.raises(Refused, match=r"It was shown to ada at 20\S+ \d\d:\d\d:\d\d UTC, and it is shown once"):
        invitation.show(active.tenancy, active.tenant_id, by=BOB)
    assert [each.stamp.actor for each in active.envelopes if isinstance(each.fact, f.ActionRefused)] == ["bob"]


def test_of_many_who_ask_at_once_one_is_shown_it(active: EngineHarness):
    tenant_id = active.tenant_id
    with ThreadPoolExecutor(5) as threads:
        asked = [
            threads.submit(invitation.show, active.tenancy, tenant_id, by=Stamp(f"user-{number}"))
            for number in range(5)
        ]
    refusals = [str(each.exception()) for each in asked if each.exception()]
    (first,) = _shown(active)
    assert len(refusals) == 4
    assert all(f"It was shown to {first} at" in refusal for refusal in refusals)


def test_there_is_none_before_the_tenant_is_active(harness: EngineHarness):
    harness.run_until(DEPLOY)
    with pytest.raises(Refused, match="once the tenant is Active: it is Provisioning"):
        invitation.show(harness.tenancy, harness.tenant_id, by=ADA)


def test_a_lost_one_is_renewed_and_worth_nothing_any_more(active: EngineHarness):
    first = invitation.show(active.tenancy, active.tenant_id, by=ADA)
    second = invitation.renew(active.tenancy, active.tenant_id, by=ADA)
    assert first.secret != second.secret
    assert [row["digest"] for row in _rows(active)] == [digest_of(second.secret)]
    with pytest.raises(Refused, match="It was shown to ada"):
        invitation.show(active.tenancy, active.tenant_id, by=BOB)


def test_one_that_expired_is_not_shown_and_its_successor_is_good_again(active: EngineHarness):
    _in_database(active, "update tenant.users set invitation_expires_at = now() - interval '1 day' returning id")
    with pytest.raises(Refused, match=r"It expired at .*: make a new one"):
        invitation.show(active.tenancy, active.tenant_id, by=ADA)
    assert invitation.renew(active.tenancy, active.tenant_id, by=ADA).expires_at > datetime.now(UTC)


def test_nobody_gets_one_for_an_admin_who_has_signed_in(active: EngineHarness):
    """Else whoever may create tenants could enter one that is its owner's by now."""
    _in_database(active, "update tenant.users set invitation_used_at = now() returning id")
    before = _rows(active)
    for asked in (invitation.show, invitation.renew):
        with pytest.raises(Refused, match="The admin signed in with it"):
            asked(active.tenancy, active.tenant_id, by=ADA)
    assert _rows(active) == before
    assert not active.facts(f.InvitationRenewed)


def test_one_that_was_written_by_somebody_else_is_not_passed_off_as_ours(active: EngineHarness):
    _in_database(active, "update tenant.users set invitation_digest = 'x' returning id")
    with pytest.raises(Refused, match="another invitation than the platform made"):
        invitation.show(active.tenancy, active.tenant_id, by=ADA)


def test_a_database_that_lets_nobody_in_uses_nothing_up(active: EngineHarness):
    """Nobody was shown it, so it can be shown when the database is back."""
    name = next(each.name for each in active.saga.resources if each.kind == ROLE)
    with psycopg.connect(active.server.superuser_dsn(), autocommit=True) as superuser:
        superuser.execute(sql.SQL("alter role {} nologin").format(sql.Identifier(name)))
        with pytest.raises(PlatformError):
            invitation.show(active.tenancy, active.tenant_id, by=ADA)
        superuser.execute(sql.SQL("alter role {} login").format(sql.Identifier(name)))
    assert invitation.show(active.tenancy, active.tenant_id, by=ADA).secret


@pytest.mark.parametrize("application", [create_api, create_pages])
def test_a_viewer_is_not_shown_it_and_uses_nothing_up(active: EngineHarness, application: Any):
    assert _asked(active, application, who="viewer", json={}).status_code == 403
    assert not _shown(active)


def test_the_api_shows_it_once_and_lets_nobody_keep_it(active: EngineHarness):
    key = {"Idempotency-Key": "k-1"}
    first, again = (_asked(active, create_api, json={}, headers=key) for _ in range(2))
    shown = first.json()
    assert first.headers["Cache-Control"] == "no-store"
    assert shown["sign_in"].endswith("/admin/login")
    assert shown["admin_email"] == active.saga.parameters.admin_email
    assert (again.status_code, shown["invitation"] in again.text) == (409, False)
    assert not _is_written(active, shown["invitation"])
    assert _asked(active, create_api, json={"renew": True}).json()["field"] == "reason"


def test_the_page_shows_it_once_and_lets_nobody_keep_it(active: EngineHarness):
    assert "Show it" in _asked(active, create_pages, "GET").text
    first, again = (_asked(active, create_pages, data={}) for _ in range(2))
    assert first.headers["Cache-Control"] == "no-store"
    assert "ETag" not in first.headers
    secret = first.text.split('id="the-invitation" tabindex="0">')[1].split("<")[0]
    assert [row["digest"] for row in _rows(active)] == [digest_of(secret)]
    assert (again.status_code, secret in again.text, "Make a new one" in again.text) == (409, False, True)
    assert not _is_written(active, secret)
    renewed = _asked(active, create_pages, data={"renew": "1", "reason": "lost in the post"})
    assert (renewed.status_code, secret in renewed.text) == (200, False)
