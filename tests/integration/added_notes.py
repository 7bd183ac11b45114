"""Adds notes by the API before a console of tests, reads them from the ledger, and loses an answer."""

from typing import Any

import httpx
import pytest

from tenancy.console.api import request_context
from tenancy.console.api.app import create_api
from tenancy.console.services import Services
from tenancy.ledger.envelope import Envelope
from tenancy.saga import facts as f
from tenancy.saga.errors import TransientError
from tests.asgi_requests import ask
from tests.integration.console_client import Console
from tests.unit.sagas import TENANT


def noted(console: Console, text: Any, *, ref: Any = TENANT, key: str = "") -> httpx.Response:
    """A note by the API, as the console's caller."""
    api = create_api(Services(lambda: console.tenancy, lambda: console.now), console._authenticate)
    headers = {"X-Tenancy-Request": "1", **({"Idempotency-Key": key} if key else {})}
    return ask(api, "POST", f"/tenants/{ref}/notes", json={"text": text}, headers=headers)


def facts(console: Console) -> list[Envelope]:
    with console.ledger.open("test") as session:
        return session.envelopes(TENANT)


def texts(console: Console) -> list[str]:
    """The notes in the ledger, oldest first."""
    return [each.fact.text for each in facts(console) if isinstance(each.fact, f.NoteAdded)]


def lose_the_first_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger records the note, and is silent before it can say so."""
    load, lost = request_context.RequestContext.tenant, list[str]()

    def load_later(context: request_context.RequestContext, ref: str) -> Any:
        if not lost:
            lost.append(ref)
            raise TransientError("The ledger has not responded for 1.2 s.")
        return load(context, ref)

    monkeypatch.setattr(request_context.RequestContext, "tenant", load_later)
