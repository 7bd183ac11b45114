"""The dialog that adds a note to a tenant. It works in every state, so it needs to know nothing of the tenant.

After an error it shows what was typed again, also while the ledger is silent: the form carries the slug of its heading.
A form whose outcome is unknown keeps its key; sent again, it is one note.
"""

from fastapi import APIRouter
from starlette.responses import Response

from tenancy.console.api.action_requests import record_note
from tenancy.console.api.problems import ProblemError, problem_of
from tenancy.console.api.requests import NOTE_LIMIT, NoteBody, Ref
from tenancy.console.api.route_guard import GuardedRoute, needs
from tenancy.console.callers import Right
from tenancy.console.pages import forms, reads
from tenancy.console.pages.page_request import CurrentPageRequest, PageRequest, SubmittedForm
from tenancy.console.pages.rendering import page_response
from tenancy.engine.actions.idempotency import Body

router = APIRouter(route_class=GuardedRoute)


@router.get("/tenants/{ref}/notes")
@needs(Right.EDIT)
def show_dialog(page_request: CurrentPageRequest, ref: Ref) -> Response:
    """The empty form."""
    summary = reads.read_ledger(page_request.services, lambda context: context.summary(ref))
    return _dialog(page_request, str(summary.tenant_id), {"slug": summary.parameters.slug})


@router.post("/tenants/{ref}/notes")
@needs(Right.EDIT)
def add(page_request: CurrentPageRequest, ref: Ref, fields: SubmittedForm) -> Response:
    """Add the note. The dialog shows what went wrong, and can be sent again."""
    try:
        answer = _record(page_request, ref, fields)
    except Exception as error:  # noqa: BLE001 - every error is shown in the dialog that caused it
        return _dialog(page_request, ref, fields, problem_of(error))
    return page_response(page_request.request, "_note_added.html", answer=answer)


def _record(page_request: PageRequest, ref: str, fields: forms.FormFields) -> Body:
    """The answer in the API's form (its model `Action`)."""
    body = forms.parse_fields(NoteBody, {"text": fields.get("text", "")})
    key = page_request.idempotency_key(fields, body)
    return record_note(page_request.services, page_request.caller, ref, body, key).body


def _dialog(
    page_request: PageRequest, ref: str, fields: forms.FormFields, problem: ProblemError | None = None
) -> Response:
    return page_response(
        page_request.request,
        "_note.html",
        problem.status if problem else 200,
        ref=ref,
        fields=fields,
        problem=problem,
        key=forms.next_key(fields, problem),
        limit=NOTE_LIMIT,
    )
