"""Recoveries of the fake API: the contract's Recovery, one step by a small table.

What the real policy decides is tested elsewhere; here a client meets each kind of step.
"""

from typing import Any

from tests.contract.fake_documents import document, preview_document
from tests.contract.fake_tenant import FakeTenant

_FIRST = {"Provisioning": "cancel", "Failed stuck": "cancel", "Failed ready": "retry"}


def recover(tenant: FakeTenant, body: dict[str, Any], *, dry_run: bool) -> tuple[int, dict[str, Any]]:
    """Status and answer of one request; with 409 the problem's fields."""
    if not dry_run:
        tenant.play()
    if tenant.phase.startswith("Decommission"):
        return 409, {"detail": f"There is nothing to recover: the tenant is {tenant.phase}."}
    kind, action, why = _next_step(tenant, body.get("began_at"))
    answer = _recovery(tenant, kind, action, why, body.get("began_at") or tenant.seq)
    if kind != "act" or dry_run:
        return 200, answer
    if answer["confirm_slug"] and body.get("confirm_slug") != tenant.slug:
        return 409, {"detail": f"Type the slug {tenant.slug} to recover it.", "field": "confirm_slug"}
    tenant.act(action)
    tenant.recovered.append(action)
    done = {"message": f"{action.capitalize()} was accepted.", "warnings": tenant.warnings}
    after = {"tenant": document(tenant), "done": list(tenant.recovered), "remaining": answer["remaining"][1:]}
    return 200, {**answer, **done, **after}


def _next_step(tenant: FakeTenant, began_at: int | None) -> tuple[str, str, str]:
    """Kind, action and why."""
    if tenant.stop:
        return "stop", "", tenant.stop
    if tenant.phase == "Active":
        how = "there is nothing to recover" if began_at is None else f"attempt {tenant.attempt} succeeded"
        return "done", "", f"{tenant.slug} is Active: {how}."
    if tenant.phase == "Provisioning" and (tenant.held or not tenant.stalled):
        return "wait", "", f"Attempt {tenant.attempt} runs: {tenant.held or 'it is not stalled'}."
    if tenant.phase in {"Cancelling", "Failed unwinding"}:
        return "wait", "", "Its resources are being released."
    return "act", _FIRST.get(tenant.phase, "reset"), f"It is {tenant.phase}."


def _recovery(tenant: FakeTenant, kind: str, action: str, why: str, began_at: int) -> dict[str, Any]:
    """The contract's Recovery, before its action is taken."""
    rest = ["retry"] if tenant.phase == "Failed ready" else ["reset", "retry"]
    goes_on = kind == "act" or (kind == "wait" and tenant.phase != "Provisioning")
    destroys = action == "cancel" and tenant.past_no_return
    return {
        "kind": kind,
        "action": action,
        "why": why,
        "retry_after": 2 if kind in {"act", "wait"} else None,
        "began_at": began_at,
        "done": list(tenant.recovered),
        "remaining": ((["cancel"] if action == "cancel" else []) + rest) if goes_on else [],
        "message": "",
        "warnings": [],
        "preview": {**preview_document(action, allowed=True), "confirm_slug": destroys} if action else None,
        "confirm_slug": kind == "act" and (destroys or tenant.attempt >= 3),
        "confirm_id": destroys,
        "tenant": document(tenant),
    }
