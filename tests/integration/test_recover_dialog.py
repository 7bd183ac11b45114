"""The dialog of Recover on a real ledger: what it says before it begins, and one step for each answer afterwards."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from tenancy.saga import commands as c
from tests.asgi_requests import ask
from tests.integration.console_client import NOW, SOON, Console
from tests.unit.sagas import ORDER, STORAGE, TENANT, VALIDATE, begin, done, fail, give_up, start

PATH = f"/tenants/{TENANT}/recover"
WRITES = {"X-Tenancy-Request": "1", "Content-Type": "application/x-www-form-urlencoded"}


def words(answer: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def send(console: Console, form: httpx.Response, **fields: Any) -> httpx.Response:
    """Send the form, or what the dialog carries on."""
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.text))
    body = str(httpx.QueryParams({**hidden, "reason": "INC-7", **fields}))
    return ask(console.app, "POST", PATH, headers=WRITES, content=body.encode())


def can_be_sent(dialog: httpx.Response) -> bool:
    return 'type="submit"' in dialog.text


def is_polled(dialog: httpx.Response) -> bool:
    return 'data-hx-trigger="console:poll"' in dialog.text


def acted(console: Console) -> list[str]:
    with console.ledger.open("test") as session:
        kinds = [each.fact.kind for each in session.envelopes(TENANT)]
    return [kind for kind in kinds if kind.endswith(("cancel.requested", "provisioning.reset", "retried"))]


@pytest.fixture
def provisioning(console: Console) -> Console:
    console.tenant(start(), *done(VALIDATE), begin(STORAGE))
    console.now = SOON
    return console


def test_an_attempt_that_is_not_stalled_is_waited_for(provisioning: Console):
    dialog = provisioning.get(PATH)
    assert "First it waits. Attempt 1 runs: Allocate storage; it is not stalled, so nothing is cancelled." in words(
        dialog
    )
    assert "Undone, in this order" not in words(dialog)
    progress = send(provisioning, dialog)
    assert is_polled(progress)
    assert "so nothing is cancelled. Keep this dialog open" in words(progress)
    assert acted(provisioning) == []


def test_a_stalled_attempt_is_cancelled_and_the_dialog_says_what_that_undoes(provisioning: Console):
    provisioning.now = NOW
    dialog = provisioning.get(PATH)
    assert "First: cancel. Attempt 1 is stalled at Allocate storage." in words(dialog)
    assert "Undone, in this order, then made afresh database acme_1 role acme_1" in words(dialog)
    progress = send(provisioning, dialog)
    assert "Cancel: done Reset Retry" in words(progress)
    assert len(acted(provisioning)) == 1


def test_a_failed_tenant_is_reset_first_and_a_refused_retry_ends_the_dialog(console: Console):
    console.tenant(start(), c.Cancel(), c.Settle(1))
    first = send(console, console.get(PATH))
    assert "Reset: done Retry" in words(first)
    assert is_polled(first)
    refused = send(console, first)  # the platform of this test does not offer the tenant's plan
    assert "plan" in words(refused)
    assert not is_polled(refused)
    assert len(acted(console)) == 2, "the cancel and the reset"


def test_what_is_for_a_person_to_decide_cannot_be_sent(console: Console):
    console.tenant(start(), *done(*ORDER[:-1]), begin(ORDER[-1]))
    console.now = NOW
    dialog = console.get(PATH)
    assert "A cancel destroys a customer's data." in words(dialog)
    assert not can_be_sent(dialog)


def test_an_active_tenant_has_nothing_to_recover(console: Console):
    console.tenant(start(), *done(*ORDER))
    dialog = console.get(PATH)
    assert "There is nothing to recover while it is Active." in words(dialog)
    assert not can_be_sent(dialog)


def test_a_fourth_attempt_wants_the_slug(console: Console):
    for number in range(1, 4):
        run = start().run_id if number == 1 else f"run-{number}"
        console.tenant(*([c.Reset()] if number > 1 else []), start(run), begin(VALIDATE, number, run))  # type: ignore[arg-type]
        console.tenant(fail(VALIDATE, number, run), give_up(VALIDATE, number, run))  # type: ignore[arg-type]
        with console.ledger.open("test") as session:
            saga = session.saga(TENANT)
        assert saga is not None
        console.tenant(c.Settle(saga.generation))
    dialog = console.get(PATH)
    assert 'name="confirm_slug"' in dialog.text
    refused = send(console, dialog)
    assert "Type the slug acme to recover it." in words(refused)
    assert not is_polled(refused)
    assert "Reset: done" in words(send(console, dialog, confirm_slug="acme"))


def test_a_dialog_that_was_closed_is_continued_by_a_new_one(provisioning: Console):
    provisioning.now = NOW
    send(provisioning, provisioning.get(PATH))
    provisioning.now = SOON + timedelta(seconds=30)
    again = provisioning.get(PATH)
    assert "First it waits. Its resources are being released." in words(again)
    assert can_be_sent(again)


def test_what_is_no_form_of_ours_is_refused(provisioning: Console):
    answer = ask(provisioning.app, "POST", PATH, headers=WRITES, content=b"reason=x&began_at=first")
    assert answer.status_code == 400
