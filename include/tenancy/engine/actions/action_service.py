"""One way to every action: checks the request, performs it once, and describes the tenant afterwards.

Called by the JSON API and by the console's pages. They find out who asks and whether they may, and render the answer.
The state machine decides what is allowed (saga/decide.py). A refusal is raised as Refused, after it was recorded in the
audit log.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tenancy.activities.validate_request import FIELDS, check_request, corrected
from tenancy.engine.actions import actions
from tenancy.engine.actions.actions import ActionResult
from tenancy.engine.actions.dry_run import for_dry_run
from tenancy.engine.actions.idempotency import ActionAnswer, Body, InvalidRequestError, answer_once
from tenancy.engine.actions.preview import Preview, dry_run
from tenancy.engine.actions.refusals import load_saga
from tenancy.engine.recovery.progress import load_progress
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.idempotency_keys import IdempotencyKey
from tenancy.ledger.interventions import newest_intervention_since
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.errors import Refused
from tenancy.saga.names import TenantId
from tenancy.saga.product_parameters import PREFIX
from tenancy.saga.tenant import Saga

CREATE: Final = "create"
_ALREADY_DONE: Final = (
    "It was recorded when it was first asked for, and is not done again: this is the tenant as it is now."
)


@dataclass(frozen=True)
class Actor:
    """Who asks: the name in the audit log, and whether they have platform engineering's role."""

    name: str
    has_platform_role: bool = False


@dataclass(frozen=True)
class ActionRequest:
    """An action that somebody asks for. `tenant_id` is None for a new tenant only."""

    action: str
    reason: str
    tenant_id: TenantId | None = None
    confirm_id: str = ""
    """The tenant's id if the request named it; a slug may be another tenant's by now."""
    confirm_slug: str = ""
    last_seen_seq: int | None = None
    """The newest fact that the operator saw. The action is refused when somebody has acted since."""
    force: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """A new tenant's, or corrections of an existing one's: fields and the product's parameters side by side."""
    product: str = ""
    """Of a new tenant, or of one that is created anew; empty for the default one, or the same."""
    key: IdempotencyKey | None = None


@dataclass(frozen=True)
class ActionService:
    """The actions of one platform."""

    tenancy: Tenancy
    now: Callable[[], datetime]
    open_ledger: Callable[[], AbstractContextManager[LedgerSession]]
    """A session for reading."""
    describe: Callable[[ActionResult], Body]
    """The answer as JSON, in the form in which it is stored and given again."""

    def perform(self, request: ActionRequest, actor: Actor) -> ActionAnswer:
        """Perform the action, or repeat its answer when a request with the same key has done it.

        Raises Refused, InvalidRequestError, or RepeatedRefusalError.
        """
        self._require_valid_parameters(request)
        return answer_once(
            self.tenancy.ledger,
            request.key,
            self.now,
            perform=lambda: self.describe(self.dispatch(self.tenancy, request, actor)),
            describe=self.describe_recorded,
        )

    def preview(self, request: ActionRequest, actor: Actor) -> Preview:
        """What `perform` would do now: the action itself, carried out and rolled back. Raises InvalidRequestError."""
        self._require_valid_parameters(request)
        tenancy, saga = for_dry_run(self.tenancy), None
        if request.tenant_id is not None:
            with self.open_ledger() as ledger:
                saga = load_saga(ledger, request.tenant_id)
        return dry_run(saga, request.action, lambda: self.dispatch(tenancy, request, actor))

    def dispatch(self, tenancy: Tenancy, request: ActionRequest, actor: Actor) -> ActionResult:
        """Perform the action on this platform, without the idempotency key's protection."""
        stamp = Stamp(actor.name, reason=request.reason, key=request.key.key if request.key else "")
        if request.tenant_id is None:
            return actions.create(tenancy, request.parameters, by=stamp, product=request.product)
        self._require_nobody_acted_since(request.tenant_id, request.last_seen_seq)
        options: dict[str, Any] = {"confirm_id": request.confirm_id, "confirm_slug": request.confirm_slug}
        if request.action == "reset":
            options |= {"force": request.force, "platform_role": actor.has_platform_role}
        elif request.action in _TAKES_CORRECTIONS:
            options["corrections"] = self._valid_corrections(request.tenant_id, request)
        if request.action == "recreate":
            options["product"] = request.product
        return _ACTIONS[request.action](tenancy, request.tenant_id, by=stamp, **options)

    def _require_nobody_acted_since(self, tenant_id: TenantId, last_seen_seq: int | None) -> None:
        """When two operators act at once, the later one is refused, reads who did what, and decides again."""
        if last_seen_seq is None:
            return
        with self.open_ledger() as ledger:
            since = newest_intervention_since(ledger.envelopes(tenant_id), last_seen_seq)
        if since is not None:
            raise Refused(f"{since}, after what you saw. Look again, then decide.", field="seen")

    def _require_valid_parameters(self, request: ActionRequest) -> None:
        if request.action == CREATE:
            self._require_valid(request.parameters, request.product)

    def _valid_corrections(self, tenant_id: TenantId, request: ActionRequest) -> Mapping[str, Any]:
        with self.open_ledger() as ledger:
            saga = load_saga(ledger, tenant_id)
        self._require_valid(request.parameters, request.product or saga.product, before=saga)
        return request.parameters

    def _require_valid(self, sent: Mapping[str, Any], product_name: str, before: Saga | None = None) -> None:
        """InvalidRequestError when a field is wrong; of corrections (`before` is given), when one of them is. What else
        is wrong, also with the product's name, the action itself refuses."""
        products = self.tenancy.products
        name = product_name or products.default_name
        if name not in products.names():
            return
        product = products.named(name)
        try:
            asked = corrected(before.parameters, sent, product) if before else sent
            check_request(asked, self.tenancy.platform, product, before.kept_values if before else {})
        except Refused as refusal:
            if before is None or any(field.removeprefix(PREFIX) in sent for field in refusal.fields):
                fields = {_public(field): sentence for field, sentence in refusal.fields.items()}
                raise InvalidRequestError(str(refusal), field=next(iter(fields)), fields=fields) from refusal

    def describe_recorded(self, tenant_id: TenantId) -> Body:
        """The answer to a request that was recorded before, and whose own answer was lost."""
        with self.open_ledger() as ledger:
            saga = load_saga(ledger, tenant_id)
            result = ActionResult(saga, _ALREADY_DONE, (), load_progress(ledger, saga))
        return self.describe(result)


_ACTIONS: Final[Mapping[str, Callable[..., ActionResult]]] = {
    "cancel": actions.cancel,
    "reset": actions.reset,
    "retry": actions.retry,
    "decommission": actions.decommission,
    "recreate": actions.recreate,
    "escalate": actions.escalate,
}
_TAKES_CORRECTIONS: Final = frozenset({"retry", "recreate"})


def _public(field: str) -> str:
    """The field's name in the API: what is none of the fixed fields was sent among the parameters."""
    return field if field in FIELDS or field.startswith(PREFIX) else f"{PREFIX}{field}"
