"""The application of a tenant, held against a database that the product's own migrations made."""

import hashlib
import json

import psycopg
import pytest

from cluster_emulator.ingress.application import AppRequest
from sandbox.tenant_app.application import NO_DSN, TenantApp
from tests.unit.tenants import ADMIN, INVITATION

USED = "this is no open invitation of an admin: wrong, used or expired"


def ask(dsn: str, method: str, path: str, **fields: str) -> tuple[int, dict[str, str]]:
    answer = TenantApp().answer(AppRequest(method, path, {"dsn": dsn}, body=json.dumps(fields).encode()))
    return int(answer.status), dict(answer.document)


def change(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def test_its_home_names_the_tenant_from_its_own_database(tenant_database: str):
    assert ask(tenant_database, "GET", "/") == (200, {"tenant": "acme", "name": "Acme", "users": "1"})


def test_a_user_gets_a_token_of_which_only_the_digest_is_kept(tenant_database: str):
    status, answer = ask(tenant_database, "POST", "/auth/token", email=ADMIN)

    with psycopg.connect(tenant_database) as connection:
        kept = connection.execute("select token_digest from tenant.sessions").fetchall()
    assert (status, kept) == (200, [(hashlib.sha256(answer["token"].encode()).hexdigest(),)])


def test_a_stranger_gets_none(tenant_database: str):
    assert ask(tenant_database, "POST", "/auth/token", email="nobody@acme.example")[0] == 401


def test_the_admins_invitation_opens_the_door_once(tenant_database: str):
    assert ask(tenant_database, "GET", "/admin/login") == (200, {"admin": ADMIN, "invitation": "open"})
    assert ask(tenant_database, "POST", "/admin/login", email=ADMIN, invitation="guessed")[0] == 401
    assert ask(tenant_database, "POST", "/admin/login", email=ADMIN, invitation=INVITATION)[0] == 200
    assert ask(tenant_database, "POST", "/admin/login", email=ADMIN, invitation=INVITATION) == (
        401,
        {"status": "refused", "reason": USED},
    )
    assert ask(tenant_database, "GET", "/admin/login")[1]["invitation"] == "used"


def test_an_expired_invitation_is_none(tenant_database: str):
    change(tenant_database, "update tenant.users set invitation_expires_at = now() - interval '1 s'")

    assert ask(tenant_database, "POST", "/admin/login", email=ADMIN, invitation=INVITATION)[0] == 401
    assert ask(tenant_database, "GET", "/admin/login")[0] == 410


@pytest.mark.parametrize(
    ("harm", "path", "reason"),
    [
        ("drop schema tenant cascade", "/healthz", "the tenant's schema is not in its database"),
        ("drop table tenant.sessions", "/healthz", "the tenant's schema is not in its database"),
        ("truncate tenant.accounts cascade", "/", "the tenant has no account"),
        ("truncate tenant.users cascade", "/admin/login", "the tenant has no admin account"),
    ],
)
def test_what_is_broken_is_reported(tenant_database: str, harm: str, path: str, reason: str):
    change(tenant_database, harm)

    assert ask(tenant_database, "GET", path) == (503, {"status": "failing", "reason": reason})


@pytest.mark.parametrize(
    ("dsn", "reason"),
    [("", NO_DSN), ("not a dsn", "the dsn in the pod's Secret is none")],
)
def test_a_broken_secret_is_reported(dsn: str, reason: str):
    assert ask(dsn, "GET", "/healthz") == (503, {"status": "failing", "reason": reason})


def test_a_product_without_a_dsn_is_told_that_no_image_runs():
    assert "the sandbox runs no images" in ask("", "GET", "/")[1]["reason"]
