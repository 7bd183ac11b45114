"""A person's note on a tenant: recorded in their name, in every phase, also after the tenant's end.

Called by the JSON API and by the console's dialog. It is none of the actions (actions.py): no state changes, so there
is nothing to preview, to refuse or to follow. The newest ones are read by ledger/notes.py.
"""

from dataclasses import dataclass

from tenancy.engine.actions.action_service import ActionService, Actor
from tenancy.engine.actions.actions import ActionResult
from tenancy.engine.actions.idempotency import ActionAnswer, answer_once
from tenancy.engine.actions.refusals import load_saga
from tenancy.engine.recovery.progress import load_progress
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.idempotency_keys import IdempotencyKey
from tenancy.saga.facts import NoteAdded
from tenancy.saga.names import TenantId


@dataclass(frozen=True)
class NoteRequest:
    """A note that somebody wants to add. The caller has checked the text's length, and that it can be stored."""

    tenant_id: TenantId
    text: str
    key: IdempotencyKey | None = None


def add_note(actions: ActionService, request: NoteRequest, actor: Actor) -> ActionAnswer:
    """Add the note, or repeat the answer when a request with the same key has done it."""
    return answer_once(
        actions.tenancy.ledger,
        request.key,
        actions.now,
        perform=lambda: actions.describe(_record(actions.tenancy, request, actor)),
        describe=actions.describe_recorded,
    )


def _record(tenancy: Tenancy, request: NoteRequest, actor: Actor) -> ActionResult:
    key = request.key.key if request.key else ""
    with tenancy.ledger.open(f"tenancy note {actor.name}") as ledger:
        slug = load_saga(ledger, request.tenant_id).parameters.slug
        ledger.append_notice(request.tenant_id, NoteAdded(request.text), stamp=Stamp(actor.name), obeyed=key)
        saga = load_saga(ledger, request.tenant_id)
        return ActionResult(saga, f"The note on {slug} is recorded.", (), load_progress(ledger, saga))
