"""A small Tenancy API for tests of its clients: the contract's paths, statuses and documents, and the law in a table.

A tenant lives by a script: each look at it plays the next phase. Nothing here is Airflow's or the engine's.
"""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import httpx

BASE = "/tenancy/api/v1"
PASSWORD = "three-in-the-morning"
ACTIVITIES = {
    "validate_request": "Validate request",
    "allocate_storage": "Allocate storage",
    "deploy_workloads": "Deploy tenant workloads",
    "mark_active": "Mark active",
}
NEXT_ACTIONS = {
    "Provisioning": "Cancel first: it releases the resources cleanly.",
    "Cancelling": "Wait 2 minutes for the cancel to complete, cancel again if it has not, then reset.",
    "Failed unwinding": "Wait until the compensations are done, cancel again if they hang.",
    "Failed stuck": "Compensations ran out of retries: remove the cause, then cancel again.",
    "Failed settled": "Reset, then retry.",
    "Failed retained": "Reset, then retry: its resources are kept.",
    "Failed ready": "Retry, or decommission.",
    "Active": "It is done; decommission it if it is no longer wanted.",
    "Decommissioning": "Wait until everything is released, or decommission again if it hangs.",
    "Decommissioned": "Create the tenant anew if it is wanted again.",
}
_RUNNING = {"Provisioning", "Cancelling", "Failed unwinding"}
_TRANSITIONS = {
    "cancel": (_RUNNING | {"Failed stuck", "Failed retained"}, "Cancelling"),
    "reset": ({"Failed settled", "Failed retained"}, "Failed ready"),
    "retry": ({"Failed ready"}, "Provisioning"),
    "decommission": (set(NEXT_ACTIONS) - _RUNNING - {"Decommissioned"}, "Decommissioning"),
    "recreate": ({"Decommissioned"}, "Decommissioned"),
    "escalate": (set(NEXT_ACTIONS) - {"Decommissioned"}, ""),
}
ORPHAN = {
    "what": "orphan",
    "kind": "database",
    "name": "gone_1",
    "region": "eu-central",
    "tenant": "018f0000-0000-7000-8000-000000000001",
    "slug": "",
    "since": "2026-11-22T02:30:00Z",
    "confirmed_at": "2026-11-22T03:00:00Z",
    "said": "The database gone_1 exists, but no tenant in the ledger has it.",
}
"""The contract's FindingShape."""
_STALL = {
    "kind": "activity",
    "activity": "allocate_storage",
    "since": "2026-11-22T02:58:00Z",
    "limit_seconds": 300.0,
    "cause": "storage.blocked",
    "said": "a session blocks it",
}
Moment = str | tuple[str, str, str]
"""A phase, or (phase, activity, message) for the failure that it begins with."""


@dataclass
class FakeTenant:
    """`script` is played one moment a look; `after` says what follows an accepted action."""

    slug: str
    phase: str = "Provisioning"
    name: str = "Acme"
    attempt: int = 1
    activity: str = "deploy_workloads"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    script: list[Moment] = field(default_factory=list)
    after: dict[str, list[list[Moment]]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    facts: list[str] = field(default_factory=lambda: ["tenant.provisioning.requested"])
    left: list[str] = field(default_factory=lambda: ["database acme_1", "role acme_1"])
    held: str = ""
    past_no_return: bool = False
    why: str = ""
    seconds: float = 421.5
    warnings: list[str] = field(default_factory=list)
    needs_attention: bool = False
    stalled: bool = False
    errors: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)

    def play(self) -> None:
        """The next moment of the script, if there is one."""
        if self.script:
            self.turn(self.script.pop(0))

    def turn(self, moment: Moment) -> None:
        """Be in this phase."""
        if not isinstance(moment, str):
            moment, activity, message = moment
            self.failures.append({"attempt": self.attempt, "activity": activity, "message": message})
        self.phase = moment
        if moment in {"Failed settled", "Decommissioned"}:
            self.left = []

    def act(self, action: str) -> None:
        """As an accepted action changes it."""
        self.facts.append(
            {"cancel": "tenant.provisioning.cancel.requested"}.get(action, f"tenant.provisioning.{action}")
        )
        if action == "retry":
            self.facts[-1] = "tenant.provisioning.retried"
            self.attempt += 1
            self.needs_attention = self.stalled = False
        self.phase = _TRANSITIONS[action][1] or self.phase
        follows = self.after.get(action, [])
        self.script = follows.pop(0) if follows else list(_USUAL.get(action, []))

    @property
    def slug_typed_for(self) -> set[str]:
        typed = {"decommission"} | ({"cancel"} if self.past_no_return else set())
        return typed | ({"retry"} if self.attempt >= 3 else set())


_USUAL: dict[str, list[Moment]] = {
    "cancel": ["Cancelling", "Failed settled"],
    "retry": ["Provisioning", "Active"],
    "decommission": ["Decommissioning", "Decommissioned"],
}


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
        self.answers.append(instead or _at_the_door(request) or self._inside(request))
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
        wanted = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        rows = [row_of(each) for each in self.tenants]
        rows = [row for row in rows if "state" not in wanted or row["state"] == wanted["state"]]
        counts: dict[str, int] = {}
        for row in rows:
            counts[row["state"]] = counts.get(row["state"], 0) + 1
        limit = int(wanted.get("limit", 50))
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
            return _ok(_preview("create", allowed=True))
        self.tenants.append(tenant)
        return _ok(_action(tenant, "Provisioning begins."), 201)

    def _act(self, tenant: FakeTenant, action: str, request: httpx.Request) -> httpx.Response:
        if action == "invitation":
            return self._invite(tenant, json.loads(request.content))
        body, allowed = json.loads(request.content), tenant.phase in _TRANSITIONS[action][0]
        if request.url.params.get("dry_run"):
            return _ok(_preview(action, allowed=allowed))
        if not body.get("reason"):
            return problem(400, "A reason is missing.", field="reason")
        if (unnamed := _unnamed(tenant, action, body)) is not None:
            return unnamed
        if not allowed and not body.get("force"):
            wait = {"Retry-After": "120"} if action == "reset" and tenant.phase in _RUNNING else {}
            said = f"{action.capitalize()} is refused while the tenant is {tenant.phase}. {NEXT_ACTIONS[tenant.phase]}"
            return problem(409, said, headers=wait)
        tenant.act(action)
        status = {"cancel": 202, "decommission": 202, "recreate": 201}.get(action, 200)
        return _ok(_action(tenant, f"{action.capitalize()} was accepted."), status)

    def _invite(self, tenant: FakeTenant, body: dict[str, Any]) -> httpx.Response:
        """The contract's InvitationShape, once."""
        if "tenant.invitation.shown" in tenant.facts and not body.get("renew"):
            return problem(409, "It was shown to ada at 2026-11-22 03:00:00 UTC, and it is shown once.")
        tenant.facts.append("tenant.invitation.shown")
        told = {"tenant": tenant.id, "slug": tenant.slug, "admin_email": "admin@acme.example", "invitation": "0" * 64}
        where = "http://acme.eu.example/admin/login"
        return _ok({**told, "sign_in": where, "expires_at": "2026-11-29T03:00:00Z"})

    def _read(self, tenant: FakeTenant, what: str) -> httpx.Response:
        if what == "timeline":
            return _ok({"attempts": [attempt(tenant)]})
        if what == "errors":
            return _ok({"errors": tenant.errors})
        if what == "resources":
            return _ok({"resources": [_resource(name) for name in tenant.left]})
        if what == "audit":
            facts = [_fact(seq, kind) for seq, kind in enumerate(tenant.facts, 1)]
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


def check(system: str, region: str | None = None, *, part: str = "", **changes: str) -> dict[str, Any]:
    """The contract's HealthCheck."""
    return {
        "system": system,
        "region": region,
        "part": part,
        "state": "ok",
        "said": "It responds.",
        "since": "2026-11-22T03:00:00Z" if changes.get("state", "ok") != "ok" else None,
        "measured": {"sessions": 7},
        "checked_at": "2026-11-22T03:04:05Z",
        "took_seconds": 0.02,
        **changes,
    }


def row_of(tenant: FakeTenant) -> dict[str, Any]:
    """The contract's TenantRow."""
    state, _, substate = tenant.phase.partition(" ")
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "name": tenant.name,
        "plan": "starter",
        "region": "eu-central",
        "state": state,
        "substate": substate or None,
        "activity": tenant.activity,
        "activity_label": ACTIVITIES[tenant.activity],
        "attempt": tenant.attempt,
        "generation": 0,
        "run_id": f"run-{tenant.attempt}",
        "created_at": "2026-11-22T02:58:00Z",
        "state_since": "2026-11-22T02:58:00Z",
        "seconds_in_state": tenant.seconds,
        "needs_attention": tenant.needs_attention,
        "next_action": NEXT_ACTIONS[tenant.phase],
        "advice": {"action": "", "until": None, "seconds_left": None, "not_its_fault": False, "warning": False},
        "why": tenant.why,
        "stall": _STALL if tenant.stalled else None,
        "platform_trouble": [],
        "class_issue": None,
        "predecessor": None,
        "seq": len(tenant.facts),
    }


def class_of(number: int, members: int) -> dict[str, Any]:
    """The contract's ClassShape."""
    at = "2026-11-22T02:58:00Z"
    return {
        "id": number,
        "sentence": "At Allocate storage in eu-central: a session blocks it",
        "activity": "allocate_storage",
        "cause": "storage.blocked",
        "error": "a session blocks it",
        "region": "eu-central",
        "chart_version": "1.0.0",
        "schema_version": "0002",
        "members": members,
        "first_at": at,
        "last_at": at,
        "opened_at": at,
        "closed_at": None,
        "next_action": f"Escalate once, for all of them. Then: tenantctl recover --class {number}",
    }


def member_of(tenant: FakeTenant) -> dict[str, Any]:
    """The contract's ClassMember."""
    row = row_of(tenant)
    told = {name: row[name] for name in ("id", "slug", "state", "substate")}
    return {**told, "stalled": tenant.stalled, "joined_at": "2026-11-22T02:58:00Z", "left_at": None}


def document(tenant: FakeTenant) -> dict[str, Any]:
    """The contract's Tenant."""
    allowed = {action: tenant.phase in phases for action, (phases, _) in _TRANSITIONS.items()}
    return {
        **row_of(tenant),
        "admin_email": "admin@acme.example",
        "failures": tenant.failures,
        "warnings": [],
        "held": tenant.held,
        "escalation": "",
        "progress": _progress(tenant),
        "actions": {
            action: {
                "allowed": may,
                "refusal": "" if may else "no",
                "retry_after": None,
                "confirm_slug": may and action in tenant.slug_typed_for,
                "confirm_id": may and action == "decommission",
            }
            for action, may in allowed.items()
        },
        "url": f"http://{tenant.slug}.eu.localhost:8081",
        "findings": tenant.findings,
    }


def attempt(tenant: FakeTenant) -> dict[str, Any]:
    """The contract's newest attempt: everything before the tenant's activity is done."""
    names = list(ACTIVITIES)
    at = len(names) if tenant.phase == "Active" else names.index(tenant.activity)
    here = "running" if tenant.phase == "Provisioning" else "failed"
    rows: list[dict[str, Any]] = [
        {
            "activity": name,
            "label": label,
            "short_label": label.lower(),
            "status": "done" if number < at else here if number == at else "idle",
            "undo": "undone" if tenant.phase == "Failed settled" and 0 < number <= at else "no",
            "started_at": None,
            "ended_at": None,
            "seconds": 0.1 if number < at else 421.5 if number == at else None,
            "limit_seconds": 300,
            "tries": 2 if number == at else 1,
            "message": "0 of 1 pods ready" if number == at else "",
            "resources": [],
        }
        for number, (name, label) in enumerate(ACTIVITIES.items())
    ]
    started = "2026-11-22T02:58:00Z"
    run_id = f"run-{tenant.attempt}"
    return {"attempt": tenant.attempt, "run_id": run_id, "started_at": started, "rows": rows, "notes": []}


def problem(status: int, detail: str, *, field: str = "", headers: dict[str, str] | None = None) -> httpx.Response:
    """A problem document as the API sends it."""
    kind = f"urn:tenancy:problem:{status}"
    body: dict[str, Any] = {"type": kind, "title": "Problem", "status": status, "detail": detail, "instance": BASE}
    body |= {"field": field} if field else {}
    body |= {"retry_after": int(headers["Retry-After"])} if headers and headers["Retry-After"].isdigit() else {}
    media = {"content-type": "application/problem+json"}
    return httpx.Response(status, content=json.dumps(body), headers={**media, **(headers or {})})


def _unnamed(tenant: FakeTenant, action: str, body: dict[str, Any]) -> httpx.Response | None:
    """What destroys names the tenant by its id and its slug."""
    if action in tenant.slug_typed_for and body.get("confirm_slug") != tenant.slug:
        return problem(409, f"Type the slug to {action} {tenant.slug}.", field="confirm_slug")
    if action == "decommission" and body.get("tenant_id") != tenant.id:
        return problem(409, "Send the tenant's id as tenant_id.", field="tenant_id")
    return None


_PLATFORM = {"name": "test", "regions": ["eu-central", "us-east"], "plans": ["starter", "business"]}


def _at_the_door(request: httpx.Request) -> httpx.Response | None:
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


def _progress(tenant: FakeTenant) -> dict[str, Any]:
    left = [_resource(name) for name in tenant.left]
    alive = "run-1 in deploy_workloads" if tenant.phase == "Provisioning" else ""
    return {"in_flight": alive, "undone": 2 - len(left), "to_undo": 2, "left": left}


def _resource(name: str) -> dict[str, Any]:
    kind, name = name.split()
    return {"kind": kind, "name": name, "state": "present", "activity": "allocate_storage"}


def _action(tenant: FakeTenant, said: str) -> dict[str, Any]:
    return {"tenant": document(tenant), "said": said, "warnings": tenant.warnings, "progress": _progress(tenant)}


def _preview(action: str, *, allowed: bool) -> dict[str, Any]:
    undone = [_resource("role acme_1"), _resource("database acme_1")]
    return {
        "action": action,
        "allowed": allowed,
        "refusal": "" if allowed else f"{action} is refused now.",
        "field": None,
        "retry_after": None,
        "undone": undone if action == "cancel" else [],
        "kept": [],
        "confirm_slug": action == "decommission",
        "confirm_id": action == "decommission",
        "warnings": [],
        "said": f"It would {action}.",
    }


def _fact(seq: int, kind: str) -> dict[str, Any]:
    return {
        "seq": seq,
        "at": "2026-11-22T02:58:00Z",
        "kind": kind,
        "attempt": 1,
        "actor": "operator",
        "reason": "",
        "lease": "",
        "data": {},
    }
