"""Dry runs: what an action would do to a tenant, whether it is allowed, and what would be undone, in order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tenancy.activities.validate_request import check_request
from tenancy.engine.admission import require_room
from tenancy.engine.tenancy import Tenancy
from tenancy.engine.undoing_order import undoing_order
from tenancy.saga import commands as c
from tenancy.saga import loops
from tenancy.saga.decide import decide, way_on
from tenancy.saga.errors import Refused
from tenancy.saga.names import RunId
from tenancy.saga.states import State
from tenancy.saga.tenant import Resource, Saga


@dataclass(frozen=True)
class Preview:
    """`refusal` is the sentence when it is not allowed; `confirm_slug`: the slug must be typed."""

    action: str
    allowed: bool
    said: str
    refusal: str = ""
    retry_after: int | None = None
    undone: tuple[Resource, ...] = ()
    kept: tuple[Resource, ...] = ()
    confirm_slug: bool = False
    warnings: tuple[str, ...] = ()


_SAID = {
    "cancel": "Ends the run and undoes what was made, last made first.",
    "reset": "Gives the saga a clean slate. Nothing is reallocated, history is kept.",
    "retry": "Starts the saga afresh for the same tenant id.",
    "decommission": "Releases everything the tenant has, last made first, and frees its slug.",
    "recreate": "Creates a new tenant of the same slug, linked to this one.",
    "escalate": "Records that platform engineering has been called; changes nothing.",
}
_COMMANDS: Mapping[str, c.Command] = {
    "cancel": c.Cancel(),
    "reset": c.Reset(),
    "decommission": c.Decommission(),
    "escalate": c.Escalate(),
}
_UNDOES = frozenset({"cancel", "decommission"})


def preview(saga: Saga, action: str) -> Preview:
    """What this action would do now. KeyError for an action there is not."""
    undone = undoing_order(saga.live_resources) if action in _UNDOES else ()
    kept = saga.live_resources if action not in _UNDOES else ()
    shown = Preview(
        action,
        allowed=True,
        said=_SAID[action],
        undone=undone,
        kept=kept,
        confirm_slug=_wants_typed_slug(saga, action),
        warnings=loops.warnings(saga) if action == "retry" else (),
    )
    try:
        _require_allowed(saga, action)
    except Refused as refusal:
        return replace(shown, allowed=False, refusal=str(refusal), retry_after=refusal.retry_after, confirm_slug=False)
    return shown


def preview_create(tenancy: Tenancy, request: Mapping[str, Any]) -> Preview:
    """Would this request be admitted now? Raises Refused with the field when it would not."""
    parameters = check_request(request, tenancy.platform)
    with tenancy.ledger.open("tenancy preview") as ledger:
        taken = ledger.tenant_of_slug(parameters.slug)
        saga = ledger.saga(taken) if taken else None
        if saga is not None:
            decide(saga, c.StartAttempt(saga.tenant_id, RunId(""), parameters, saga.plan, saga.schema_version))
        else:
            require_room(tenancy.platform, ledger, parameters)
    return Preview("create", allowed=True, said=f"Provisions the tenant {parameters.slug} in {parameters.region}.")


def _wants_typed_slug(saga: Saga, action: str) -> bool:
    destroys = action == "decommission" and bool(saga.live_resources)
    return destroys or (action == "retry" and loops.wants_typed_slug(saga))


def _require_allowed(saga: Saga, action: str) -> None:
    if action == "recreate":
        require_recreatable(saga)
    else:
        decide(saga, _command(saga, action))


def _command(saga: Saga, action: str) -> c.Command:
    if action == "retry":
        return c.StartAttempt(saga.tenant_id, RunId(""), saga.parameters, saga.plan, saga.schema_version)
    return _COMMANDS[action]


def require_recreatable(saga: Saga) -> None:
    """Recreate is for a tenant that has nothing left."""
    gone = saga.state is State.DECOMMISSIONED
    empty = saga.phase in {"Failed settled", "Failed ready"} and saga.has_nothing
    if not (gone or empty):
        raise Refused(f"Recreate is refused while the tenant is {saga.phase}. {way_on(saga)}")
