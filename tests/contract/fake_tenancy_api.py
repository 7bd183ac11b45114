"""A small Tenancy API for tests of its clients: the contract's paths and statuses.

Nothing here is Airflow's or the engine's. Tenants live by their scripts (fake_tenant.py).
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx

from tests.contract.fake_documents import (
    BASE,
    action_document,
    attempt,
    check,
    class_of,
    document,
    fact_document,
    member_of,
    past_actions,
    preview_document,
    problem,
    resource_of,
    row_of,
)
from tests.contract.fake_recovery import recover
from tests.contract.fake_tenant import NEXT_ACTIONS, RUNNING, TRANSITIONS, FakeTenant

PASSWORD = "three-in-the-morning"


class FakeTenancy:
    """Give `transport` to a client; `requests` is what it sent. `before` may answer in the API's stead."""

    def __init__(self, *tenants: FakeTenant) -> None:
        self.tenants = list(tenants)
        self.requests: list[httpx.Request] = []
        self.answers: list[httpx.Response] = []
        self.before: list[Callable[[httpx.Request], httpx.Response | None]] = []
        self.late = False
        self.findings: list[dict[str, Any]] = []
        self.classes: dict[int, list[FakeTenant]] = {}
        self.engine = ""
        self.storage = "ok"

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    @property
    def writes(self) -> list[str]:
        """`cancel`, `reset`, … in the order they came (dry runs too)."""
        return [r.url.path.rsplit("/", 1)[-1] for r in self.requests if r.method == "POST" and BASE in r.url.path]

    def body(self, number: int = -1) -> dict[str, Any]:
        """What a write carried."""
        posts = [r for r in self.requests if r.method == "POST" and BASE in r.url.path]
        return dict(json.loads(posts[number].content))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        instead = next((answer for ask in self.before if (answer := ask(request)) is not None), None)
        self.answers.append(instead or _refused_at_login(request) or self._inside(request))
        return self.answers[-1]

    def _inside(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(BASE).strip("/").split("/")
        if path[0] == "findings":
            return _ok({"findings": self.findings, "cut": self.late, "check": self._health()["reconcilers"][0]})
        if path[0] == "classes":
            return (
                self._class(path[1]) if len(path) > 1 else _ok({"classes": self._classes(), "cut": False, "others": 0})
            )
        if path[0] in {"health", "platform"}:
            return _ok(self._health() if path[0] == "health" else _PLATFORM)
        if len(path) == 1:
            return self._create(request) if request.method == "POST" else self._list(request)
        tenant = next((each for each in self.tenants if path[1] in {each.id, each.slug}), None)
        if tenant is None:
            return problem(404, f"There is no tenant {path[1]}.")
        what = path[2] if len(path) > 2 else ""
        return self._act(tenant, what, request) if request.method == "POST" else self._read(tenant, what)

    def _list(self, request: httpx.Request) -> httpx.Response:
        query = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        rows = [row_of(each) for each in self.tenants]
        rows = [row for row in rows if "state" not in query or row["state"] == query["state"]]
        counts: dict[str, int] = {}
        for row in rows:
            counts[row["state"]] = counts.get(row["state"], 0) + 1
        limit = int(query.get("limit", 50))
        return _ok({"tenants": rows[:limit], "next": "c2" if len(rows) > limit else None, "counts": counts})

    def _classes(self) -> list[dict[str, Any]]:
        return [class_of(number, len(members)) for number, members in self.classes.items()]

    def _class(self, number: str) -> httpx.Response:
        members = self.classes.get(int(number))
        if members is None:
            return problem(404, "There is no class of stall of this id.")
        return _ok(
            {**class_of(int(number), len(members)), "tenants": [member_of(each) for each in members], "cut": False}
        )

    def _create(self, request: httpx.Request) -> httpx.Response:
        asked = json.loads(request.content)
        if any(each.slug == asked["slug"] for each in self.tenants):
            return problem(409, f"The slug {asked['slug']} is taken.", field="slug")
        tenant = FakeTenant(asked["slug"], name=asked["name"], script=["Provisioning", "Active"])
        if request.url.params.get("dry_run"):
            return _ok(preview_document("create", allowed=True))
        self.tenants.append(tenant)
        return _ok(action_document(tenant, "Provisioning begins."), 201)

    def _act(self, tenant: FakeTenant, action: str, request: httpx.Request) -> httpx.Response:
        body, dry_run = json.loads(request.content), bool(request.url.params.get("dry_run"))
        if action not in TRANSITIONS:
            return self._act_otherwise(tenant, action, body, dry_run=dry_run)
        allowed = tenant.phase in TRANSITIONS[action][0]
        if dry_run:
            return _ok(preview_document(action, allowed=allowed))
        if not body.get("reason"):
            return problem(400, "A reason is missing.", field="reason")
        if (unnamed := _unnamed(tenant, action, body)) is not None:
            return unnamed
        if not allowed and not body.get("force"):
            wait = {"Retry-After": "120"} if action == "reset" and tenant.phase in RUNNING else {}
            message = (
                f"{action.capitalize()} is refused while the tenant is {tenant.phase}. {NEXT_ACTIONS[tenant.phase]}"
            )
            return problem(409, message, headers=wait)
        tenant.act(action)
        status = {"cancel": 202, "decommission": 202, "recreate": 201}.get(action, 200)
        return _ok(action_document(tenant, f"{action.capitalize()} was accepted."), status)

    def _act_otherwise(self, tenant: FakeTenant, action: str, body: dict[str, Any], *, dry_run: bool) -> httpx.Response:
        """What is no action of the state machine."""
        if action == "notes":
            return _note(tenant, str(body.get("text", "")).strip())
        return self._invite(tenant, body) if action == "invitation" else _recover(tenant, body, dry_run=dry_run)

    def _invite(self, tenant: FakeTenant, body: dict[str, Any]) -> httpx.Response:
        """The contract's InvitationShape, once."""
        if "tenant.invitation.shown" in tenant.facts and not body.get("renew"):
            return problem(409, "It was shown to ada at 2026-11-22 03:00:00 UTC, and it is shown once.")
        tenant.facts.append("tenant.invitation.shown")
        invitation = {
            "tenant": tenant.id,
            "slug": tenant.slug,
            "admin_email": "admin@acme.example",
            "invitation": "0" * 64,
        }
        where = "http://acme.eu.example/admin/login"
        return _ok({**invitation, "sign_in": where, "expires_at": "2026-11-29T03:00:00Z"})

    def _read(self, tenant: FakeTenant, what: str) -> httpx.Response:
        if what == "timeline":
            return _ok({"attempts": [attempt(tenant)]})
        if what == "errors":
            return _ok({"errors": tenant.errors})
        if what == "action-history":
            return _ok({"actions": past_actions(tenant.facts)})
        if what == "resources":
            return _ok({"resources": [resource_of(name) for name in tenant.left]})
        if what == "audit":
            facts = [fact_document(seq, kind) for seq, kind in enumerate(tenant.facts, 1)]
            return _ok({"facts": facts, "next": None, "chain": "broken at 2" if self.late else "whole"})
        tenant.play()
        return _ok(document(tenant))

    def _health(self) -> dict[str, Any]:
        beat = {"name": "unwind", "last_beat": "2026-11-22T03:00:00Z", "late": self.late, "summary": "nothing found"}
        checks = [check("ledger"), check("storage", "eu-central", state=self.storage, said="It says so.")]
        checks.append(check("engine", part="reconciliation", state="down" if self.late else "ok"))
        return {
            "state": "ok",
            "looked_at": "2026-11-22T03:04:05Z",
            "age_seconds": 4.2,
            "checks": checks,
            "ledger": {"version": "0004", "milliseconds": 3.2},
            "engine": self.engine,
            "reconcilers": [beat],
        }


def _recover(tenant: FakeTenant, body: dict[str, Any], *, dry_run: bool) -> httpx.Response:
    status, answer = recover(tenant, body, dry_run=dry_run)
    return problem(status, **answer) if status == 409 else _ok(answer)


def _note(tenant: FakeTenant, text: str) -> httpx.Response:
    if not 1 <= len(text) <= 2000:
        return problem(400, "text: must have 1 to 2000 characters.", field="text")
    tenant.note(text)
    return _ok(action_document(tenant, f"The note on {tenant.slug} is recorded."), 201)


def _unnamed(tenant: FakeTenant, action: str, body: dict[str, Any]) -> httpx.Response | None:
    """What destroys names the tenant by its id and its slug."""
    if action in tenant.slug_typed_for and body.get("confirm_slug") != tenant.slug:
        return problem(409, f"Type the slug to {action} {tenant.slug}.", field="confirm_slug")
    if action == "decommission" and body.get("tenant_id") != tenant.id:
        return problem(409, "Send the tenant's id as tenant_id.", field="tenant_id")
    return None


_PLATFORM = {
    "name": "test",
    "regions": ["eu-central", "us-east"],
    "plans": ["starter", "business"],
    "products": ["sample"],
    "default_product": "sample",
}


def _refused_at_login(request: httpx.Request) -> httpx.Response | None:
    if request.url.path == "/api/v2/monitor/health":
        return httpx.Response(200, json={"metadatabase": {"status": "healthy"}})
    if request.url.path == "/auth/token":
        return _token(request)
    if not request.headers.get("authorization", "").startswith("Bearer "):
        return httpx.Response(401, json={"detail": "Not authenticated"})
    if request.method == "POST" and not request.headers.get("x-tenancy-request"):
        return problem(428, "The header X-Tenancy-Request is missing.")
    return None


def _token(request: httpx.Request) -> httpx.Response:
    given = json.loads(request.content)
    if given["password"] != PASSWORD:
        return httpx.Response(401, json={"detail": "Invalid credentials"})
    return httpx.Response(201, json={"access_token": f"token-of-{given['username']}"})


def _ok(data: dict[str, Any], status: int = 200) -> httpx.Response:
    return httpx.Response(status, json=data)
