"""How a write goes: find the tenant, ask for the action (or what it would do), show the tenant afterwards."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypedDict

from pydantic import BaseModel
from starlette.responses import JSONResponse

from tenancy.activities.validate_request import FIELDS, check_request
from tenancy.console.api import serializers, shapes
from tenancy.console.api.asked import Asked
from tenancy.console.api.idempotency import once
from tenancy.console.api.problems import ProblemError
from tenancy.console.api.request_context import open_context
from tenancy.console.api.requests import CorrectedWish, NewTenant, Wish
from tenancy.engine import actions
from tenancy.engine.actions import ActionResult
from tenancy.engine.dry_run import for_dry_run
from tenancy.engine.preview import dry_run
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.interventions import newest_intervention_since
from tenancy.saga.errors import Refused
from tenancy.saga.names import TenantId
from tenancy.saga.platform import Platform
from tenancy.saga.tenant import Saga

_OBEYED: Final = "It was recorded when it was first asked for, and is not done again: this is the tenant as it is now."


class Named(TypedDict):
    """The tenant as the request named it; empty where it did not."""

    confirm_id: str
    confirm_slug: str


@dataclass(frozen=True)
class Doing:
    """An action about to be asked for."""

    tenancy: Tenancy
    saga: Saga
    stamp: Stamp
    named: Named

    @property
    def whom(self) -> tuple[Tenancy, TenantId]:
        return self.tenancy, self.saga.tenant_id


@dataclass(frozen=True)
class Deed:
    """An action: its name, the status of its success, how it is done."""

    name: str
    status: int
    perform: Callable[[Doing], ActionResult]


def act(asked: Asked, ref: str, wish: Wish, deed: Deed) -> JSONResponse:
    """Ask for an action on a tenant; 404 when there is no such tenant."""
    with open_context(asked.parts) as context:
        saga = context.saga(ref)
        doing = Doing(context.tenancy, saga, asked.stamp(wish.reason), _named(saga, ref, wish))

    def perform() -> ActionResult:
        _require_seen(asked, doing.saga, wish.seen)
        return deed.perform(doing)

    if asked.dry_run:
        doing = replace(doing, tenancy=for_dry_run(doing.tenancy))
        return _json(200, serializers.preview_of(dry_run(doing.saga, deed.name, perform)))
    return _do(asked, wish, deed.status, perform)


def _named(saga: Saga, ref: str, wish: Wish) -> Named:
    """A path that has the id names the tenant as well as the body does."""
    in_path = ref if ref.lower() == str(saga.tenant_id) else ""
    return {"confirm_id": wish.tenant_id or in_path, "confirm_slug": wish.confirm_slug or ""}


def _require_seen(asked: Asked, saga: Saga, seen: int | None) -> None:
    """Two operators at once: the later one is told who did what, and decides again."""
    if seen is None:
        return
    with open_context(asked.parts) as context:
        since = newest_intervention_since(context.ledger.envelopes(saga.tenant_id), seen)
    if since is not None:
        raise Refused(f"{since}, after what you saw. Look again, then decide.", field="seen")


def create(asked: Asked, wish: NewTenant) -> JSONResponse:
    """Ask for a new tenant."""
    tenancy = asked.parts.tenancy()
    request = {field: getattr(wish, field) for field in FIELDS}
    _require_well_formed(request, tenancy.platform, set(FIELDS))
    by = asked.stamp(wish.reason)
    if asked.dry_run:
        rehearsal = dry_run(None, "create", lambda: actions.create(for_dry_run(tenancy), request, by=by))
        return _json(200, serializers.preview_of(rehearsal))
    return _do(asked, wish, 201, lambda: actions.create(tenancy, request, by=by))


def corrected(doing: Doing, wish: CorrectedWish) -> dict[str, str]:
    """The corrections of a wish; 400 when one of them is not well-formed or not offered."""
    corrections: dict[str, str] = wish.corrections.model_dump(exclude_none=True)
    _require_well_formed({**vars(doing.saga.parameters), **corrections}, doing.tenancy.platform, set(corrections))
    return corrections


def _require_well_formed(request: dict[str, str], platform: Platform, given: set[str]) -> None:
    try:
        check_request(request, platform)
    except Refused as refusal:
        if refusal.field in given:  # the rest is the engine's to refuse, and to note
            raise ProblemError(400, str(refusal), field=refusal.field) from refusal


def _do(asked: Asked, wish: BaseModel, status: int, perform: Callable[[], ActionResult]) -> JSONResponse:
    def answer() -> JSONResponse:
        return _json(status, _told(asked, perform()))

    def tell(tenant_id: TenantId) -> JSONResponse:
        with open_context(asked.parts) as context:
            shown = context.tenant(str(tenant_id))
        return _json(status, shapes.Action(tenant=shown, said=_OBEYED, warnings=[], progress=shown.progress))

    return once(asked, wish, answer, tell)


def _told(asked: Asked, answer: ActionResult) -> shapes.Action:
    with open_context(asked.parts) as context:
        shown = context.tenant(str(answer.saga.tenant_id))
    progress = serializers.progress(answer.progress)
    return shapes.Action(tenant=shown, said=answer.message, warnings=list(answer.warnings), progress=progress)


def _json(status: int, shape: BaseModel) -> JSONResponse:
    body: dict[str, Any] = shape.model_dump(mode="json")
    return JSONResponse(body, status)
