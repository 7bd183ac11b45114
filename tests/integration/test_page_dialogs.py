"""The dialogs on a real ledger: what they say of the tenant as it is now, and what they offer after a refusal."""

import re
from html import unescape
from typing import Any

import httpx
import pytest

from tenancy.console.api.problems import ProblemError
from tenancy.console.pages import action_dialogs
from tenancy.console.pages.action_dialogs import _Form
from tenancy.engine.actions.action_service import ActionService
from tenancy.saga import commands as c
from tenancy.saga.errors import TransientError
from tests.asgi_requests import ask
from tests.integration.console_client import Console
from tests.integration.lifecycles import WHOLE_LIFE
from tests.unit.sagas import ORDER, STORAGE, TENANT, VALIDATE, begin, done, start

WRITES = {"X-Tenancy-Request": "1", "Content-Type": "application/x-www-form-urlencoded"}
SEND = re.compile(r'<button type="submit"')
OFFER = re.compile(r'data-offer="(\w+)"')
PATH = f"/tenants/{TENANT}/actions"


def opened(console: Console, action: str) -> httpx.Response:
    return console.get(f"{PATH}/{action}")


def fields(console: Console, action: str, form: httpx.Response, **fields: Any) -> httpx.Response:
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.text))
    body = str(httpx.QueryParams({**hidden, "reason": "INC-7", **fields}))
    return ask(console.app, "POST", f"{PATH}/{action}", headers=WRITES, content=body.encode())


def words(answer: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


@pytest.fixture
def provisioning(console: Console) -> Console:
    console.tenant(start(), *done(VALIDATE), begin(STORAGE))
    return console


def _unwind(console: Console) -> None:
    """Somebody else's cancel, to its end."""
    saga = _saga(console)
    released = [
        each
        for resource in reversed(saga.live_resources)
        for each in (
            c.ReleaseResource(saga.generation, resource.kind, resource.name),
            c.ConfirmReleased(saga.generation, resource.kind, resource.name),
        )
    ]
    console.tenant(*released, c.Settle(saga.generation))


def _saga(console: Console) -> Any:
    with console.ledger.open("test") as session:
        return session.saga(TENANT)


def test_a_refused_form_does_not_offer_the_same_button_but_what_is_possible_now(provisioning: Console):
    form = opened(provisioning, "cancel")
    assert SEND.search(form.text)
    provisioning.tenant(c.Cancel())
    refused = fields(provisioning, "cancel", form)
    assert refused.status_code == 409
    assert "ada asked to cancel it" in words(refused)
    assert "The tenant is now Cancelling" in words(refused)
    assert not SEND.search(refused.text)
    assert set(OFFER.findall(refused.text)) == {"cancel", "escalate", "recover"}
    assert sum("cancel.requested" in each for each in _kinds(provisioning)) == 1


def _kinds(console: Console) -> list[str]:
    with console.ledger.open("test") as session:
        return [each.fact.kind for each in session.envelopes(TENANT)]


@pytest.mark.parametrize("action", ["reset", "retry", "recreate", "cancel", "decommission"])
def test_what_is_not_allowed_offers_what_is(console: Console, action: str):
    console.tenant(*WHOLE_LIFE)
    dialog = opened(console, action)
    if not SEND.search(dialog.text):
        assert "The tenant is now" in words(dialog)
        assert action not in OFFER.findall(dialog.text)


def test_a_mistake_in_the_form_is_put_right_in_the_form(provisioning: Console):
    wrong = fields(provisioning, "cancel", opened(provisioning, "cancel"), reason=" ")
    assert wrong.status_code == 400
    assert SEND.search(wrong.text)


def test_a_dialog_opened_after_another_persons_cancel_shows_the_present_state(provisioning: Console):
    made = len(_saga(provisioning).live_resources)
    assert made > 1
    provisioning.tenant(c.Cancel())
    _unwind(provisioning)
    text = words(opened(provisioning, "cancel"))
    assert "The tenant is now Failed settled" in text
    assert f"{made} objects were created and removed; nothing is left to remove." in text
    assert "Nothing was created" not in text


def test_decommissioning_an_active_tenant_says_that_its_data_are_deleted_for_good(console: Console):
    console.tenant(*_active())
    text = words(opened(console, "decommission"))
    assert "Permanently deletes this tenant's database, workloads and credentials. This cannot be undone." in text


def _active() -> tuple[c.Command, ...]:
    return (start(), *done(*ORDER))


def test_a_form_whose_answer_was_lost_keeps_its_key_and_any_other_gets_a_new_one(provisioning: Console):
    """The key makes the second sending the first one's repetition; a corrected form is another request."""
    form = opened(provisioning, "cancel")
    key = re.search(r'name="key" value="(\w+)"', form.text)
    assert key
    assert f'value="{key[1]}"' not in fields(provisioning, "cancel", form, reason=" ").text
    lost = _Form("cancel", False, {"key": key[1]}, ProblemError(503, "The ledger does not respond.", retry_after=5))
    assert (lost.key, lost.can_be_sent) == (key[1], True)
    refused = _Form("cancel", False, {"key": key[1]}, ProblemError(409, "Somebody was first.", field="seen"))
    assert (refused.key == key[1], refused.can_be_sent) == (False, False)


def _away() -> TransientError:
    return TransientError("The ledger has not responded for 1.2 s.")


def _lose_the_first_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger records the action, and is silent before it can say so."""
    perform, lost = ActionService.perform, list[str]()

    def perform_silently(service: ActionService, *arguments: Any) -> Any:
        answer = perform(service, *arguments)
        if not lost:
            lost.append("the first")
            raise _away()
        return answer

    monkeypatch.setattr(ActionService, "perform", perform_silently)


def test_a_form_whose_answer_was_lost_can_be_sent_again_and_is_one_action(
    provisioning: Console, monkeypatch: pytest.MonkeyPatch
):
    _lose_the_first_answer(monkeypatch)
    lost = fields(provisioning, "escalate", opened(provisioning, "escalate"))
    assert lost.status_code == 503
    assert "It may have been done." in words(lost)
    assert "You can send it again: it is performed only once." in words(lost)
    again = fields(provisioning, "escalate", lost)
    assert again.status_code == 200, again.text
    assert sum(each.endswith("escalated") for each in _kinds(provisioning)) == 1


def test_a_form_that_was_changed_after_a_lost_answer_does_not_say_that_nothing_was_done(
    provisioning: Console, monkeypatch: pytest.MonkeyPatch
):
    _lose_the_first_answer(monkeypatch)
    lost = fields(provisioning, "escalate", opened(provisioning, "escalate"))
    changed = fields(provisioning, "escalate", lost, reason="INC-8")
    assert changed.status_code == 400
    assert "It may have been done." in words(changed)
    assert "performed only once" not in words(changed)


def test_a_lost_answer_does_not_offer_again_what_has_become_impossible(
    provisioning: Console, monkeypatch: pytest.MonkeyPatch
):
    _lose_the_first_answer(monkeypatch)
    provisioning.tenant(c.Cancel())
    _unwind(provisioning)
    lost = fields(provisioning, "reset", opened(provisioning, "reset"))
    assert "It may have been done." in words(lost)
    assert "The tenant is now Failed ready" in words(lost)
    assert not SEND.search(lost.text)
    assert "send it again" not in words(lost)


def test_a_recorded_action_is_reported_as_recorded_although_the_ledger_is_silent_afterwards(
    provisioning: Console, monkeypatch: pytest.MonkeyPatch
):
    form = opened(provisioning, "cancel")
    with monkeypatch.context() as silent:
        silent.setattr(action_dialogs, "_progress", lambda *_: (_ for _ in ()).throw(_away()))
        answer = fields(provisioning, "cancel", form)
    assert answer.status_code == 200
    assert "It is recorded, but its progress cannot be shown now: The ledger has not responded" in words(answer)
    polled = re.search(r'data-hx-get="([^"?]+)\?part=live"', answer.text)
    assert polled
    assert "undone" in words(provisioning.get(polled[1]))


def test_a_form_sent_to_a_silent_ledger_says_that_it_may_have_been_recorded(
    provisioning: Console, monkeypatch: pytest.MonkeyPatch
):
    form = opened(provisioning, "cancel")
    monkeypatch.setattr(action_dialogs, "_dialog", lambda *_: (_ for _ in ()).throw(_away()))
    _lose_the_first_answer(monkeypatch)
    answer = fields(provisioning, "cancel", form)
    assert answer.status_code == 503
    assert "What you sent may have been recorded: look at the tenant before you send it again." in words(answer)
