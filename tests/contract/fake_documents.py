"""The documents of the fake Tenancy API: JSON as the contract has it, made from scripted tenants."""

import json
from typing import Any

import httpx

from tests.contract.fake_tenant import ACTIVITIES, NEXT_ACTIONS, TRANSITIONS, FakeTenant

BASE = "/tenancy/api/v1"
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
STALL = {
    "kind": "activity",
    "activity": "allocate_storage",
    "since": "2026-11-22T02:58:00Z",
    "limit_seconds": 300.0,
    "cause": "storage.blocked",
    "said": "a session blocks it",
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
        "product": "sample",
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
        "stall": STALL if tenant.stalled else None,
        "platform_trouble": [],
        "class_issue": None,
        "predecessor": None,
        "seq": tenant.seq,
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
        "product": "sample",
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
    named = {name: row[name] for name in ("id", "slug", "state", "substate")}
    return {**named, "stalled": tenant.stalled, "joined_at": "2026-11-22T02:58:00Z", "left_at": None}


def document(tenant: FakeTenant) -> dict[str, Any]:
    """The contract's Tenant."""
    allowed = {action: tenant.phase in phases for action, (phases, _) in TRANSITIONS.items()}
    return {
        **row_of(tenant),
        "admin_email": "admin@acme.example",
        "failures": tenant.failures,
        "warnings": [],
        "held": tenant.held,
        "escalation": "",
        "progress": progress_of(tenant),
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
        "notes": tenant.notes,
        "parameters": {"seats": 5, "tier": "gold"},
        "outputs": {},
    }


PRODUCT = {
    "name": "sample",
    "version": "1.0.0",
    "chart_version": "1.0.1",
    "chart_digest": "c1" * 20,
    "values_digest": "a1" * 20,
    "schema_version": "0002",
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
    return {
        "attempt": tenant.attempt,
        "run_id": run_id,
        "dag_id": "tenant_provisioning",
        "started_at": started,
        "product": PRODUCT,
        "rows": rows,
        "notes": [],
    }


def problem(status: int, detail: str, *, field: str = "", headers: dict[str, str] | None = None) -> httpx.Response:
    """A problem document as the API sends it."""
    kind = f"urn:tenancy:problem:{status}"
    body: dict[str, Any] = {"type": kind, "title": "Problem", "status": status, "detail": detail, "instance": BASE}
    body |= {"field": field} if field else {}
    body |= {"retry_after": int(headers["Retry-After"])} if headers and headers["Retry-After"].isdigit() else {}
    media = {"content-type": "application/problem+json"}
    return httpx.Response(status, content=json.dumps(body), headers={**media, **(headers or {})})


def progress_of(tenant: FakeTenant) -> dict[str, Any]:
    left = [resource_of(name) for name in tenant.left]
    alive = "run-1 in deploy_workloads" if tenant.phase == "Provisioning" else ""
    return {"in_flight": alive, "undone": 2 - len(left), "to_undo": 2, "left": left}


def resource_of(name: str) -> dict[str, Any]:
    kind, name = name.split()
    return {"kind": kind, "name": name, "state": "present", "activity": "allocate_storage"}


def action_document(tenant: FakeTenant, message: str) -> dict[str, Any]:
    return {"tenant": document(tenant), "said": message, "warnings": tenant.warnings, "progress": progress_of(tenant)}


def preview_document(action: str, *, allowed: bool) -> dict[str, Any]:
    undone = [resource_of("role acme_1"), resource_of("database acme_1")]
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


_PAST_ACTIONS = {
    "tenant.provisioning.cancel.requested": ("cancel", "Failed settled at 02:59:00"),
    "tenant.provisioning.reset": ("reset", "Failed ready"),
    "tenant.provisioning.retried": ("retry", "still under way"),
    "tenant.action.refused": ("reset", "refused: Reset is refused."),
}


def past_actions(kinds: list[str]) -> list[dict[str, Any]]:
    """The contract's PastActionShape, for each of these facts that is an action."""
    return [_past_action(*_PAST_ACTIONS[kind]) for kind in kinds if kind in _PAST_ACTIONS]


def _past_action(action: str, result: str) -> dict[str, Any]:
    return {
        "action": action,
        "actor": "operator",
        "at": "2026-11-22T02:58:00Z",
        "reason": "",
        "attempt": 1,
        "result": result,
        "ended_at": None if result == "still under way" else "2026-11-22T02:59:00Z",
        "refused": result.startswith("refused"),
        "summary": f"{action} at 2026-11-22 02:58:00 UTC by operator: {result}",
    }


def fact_document(seq: int, kind: str) -> dict[str, Any]:
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
