"""The routes of a tenant's application, each one statement in the tenant's own database.

`application.py` names them. They check what the runbook verifies after Active: that the tenant takes auth traffic
and that its admin can sign in. Only digests of tokens and invitations are stored or compared.
"""

import hashlib
import secrets
from http import HTTPStatus
from typing import Final

from cluster_emulator.ingress.application import AppRequest, AppResponse
from sandbox.tenant_app.database import fetch_row

_UNKNOWN: Final = AppResponse(
    HTTPStatus.UNAUTHORIZED, {"status": "refused", "reason": "no user has this e-mail address"}
)
_NOT_INVITED: Final = AppResponse(
    HTTPStatus.UNAUTHORIZED,
    {"status": "refused", "reason": "this is no open invitation of an admin: wrong, used or expired"},
)
_NO_ADMIN: Final = AppResponse(
    HTTPStatus.SERVICE_UNAVAILABLE, {"status": "failing", "reason": "the tenant has no admin account"}
)
# Names every table the application needs, so that a missing one is noticed.
_HEALTH: Final = """
    select slug, name, (select count(*) from tenant.users), (select count(*) from tenant.sessions)
      from tenant.accounts limit 1"""
_NEW_SESSION: Final = """
    insert into tenant.sessions (token_digest, user_id, expires_at)
    select %s, id, now() + interval '1 hour' from tenant.users where email = %s returning user_id"""
_ADMIN: Final = """
    select email, invitation_used_at is not null, invitation_expires_at > now()
      from tenant.users where role = 'admin' order by id limit 1"""
_SIGN_IN: Final = """
    with admin as (
        update tenant.users set invitation_used_at = now()
         where role = 'admin' and email = %s and invitation_digest = %s
           and invitation_used_at is null and invitation_expires_at > now()
        returning id)
    insert into tenant.sessions (token_digest, user_id, expires_at)
    select %s, id, now() + interval '1 hour' from admin returning user_id"""


def home(request: AppRequest) -> AppResponse:
    """Which tenant this is, from its own database."""
    row = fetch_row(request, _HEALTH)
    if row is None:
        return AppResponse(HTTPStatus.SERVICE_UNAVAILABLE, {"status": "failing", "reason": "the tenant has no account"})
    slug, name, users, _ = row
    return AppResponse(HTTPStatus.OK, {"tenant": str(slug), "name": str(name), "users": str(users)})


def healthz(request: AppRequest) -> AppResponse:
    """Whether the DSN works and the schema exists."""
    fetch_row(request, _HEALTH)
    return AppResponse(HTTPStatus.OK, {"status": "ok"})


def token(request: AppRequest) -> AppResponse:
    """A session for the user whose e-mail address is posted."""
    made = secrets.token_urlsafe(24)
    row = fetch_row(request, _NEW_SESSION, _digest(made), request.posted("email"))
    return AppResponse(HTTPStatus.OK, {"token": made}) if row else _UNKNOWN


def invitation(request: AppRequest) -> AppResponse:
    """Whether the admin can sign in: the account exists, and its invitation is open or was used."""
    row = fetch_row(request, _ADMIN)
    if row is None:
        return _NO_ADMIN
    email, used, open_still = row
    state = "used" if used else "open" if open_still else "expired"
    status = HTTPStatus.GONE if state == "expired" else HTTPStatus.OK
    return AppResponse(status, {"admin": str(email), "invitation": state})


def login(request: AppRequest) -> AppResponse:
    """Exchange the admin's one-time invitation for a session."""
    made = secrets.token_urlsafe(24)
    row = fetch_row(request, _SIGN_IN, request.posted("email"), _digest(request.posted("invitation")), _digest(made))
    if row:
        return AppResponse(HTTPStatus.OK, {"token": made})
    return _NOT_INVITED if fetch_row(request, _ADMIN) else _NO_ADMIN


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
