"""Notes on a tenant's page, and the dialog that adds one, on a real ledger."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import httpx
import pytest

from tenancy.console.callers import Caller, Right
from tenancy.saga.errors import TransientError
from tests.asgi_requests import ask
from tests.integration.added_notes import lose_the_first_answer, noted, texts
from tests.integration.console_client import EVIL, VIEWER, Console
from tests.unit.sagas import ORDER, TENANT, done, start

FORM = {"X-Tenancy-Request": "1", "Content-Type": "application/x-www-form-urlencoded"}
PAGE, DIALOG = f"/tenants/{TENANT}", f"/tenants/{TENANT}/notes"


def sent(console: Console, form: httpx.Response, text: str) -> httpx.Response:
    """The dialog, filled in and sent."""
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.text))
    body = str(httpx.QueryParams({**hidden, "text": text}))
    return ask(console.app, "POST", DIALOG, headers=FORM, content=body.encode())


def typed(form: httpx.Response) -> str:
    """What stands in the dialog's field."""
    found = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", form.text, re.DOTALL)
    assert found
    return unescape(found[1])


def words(answer: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def test_a_viewer_reads_notes_and_adds_none(console: Console):
    console.tenant(start())
    noted(console, "read me")
    console.caller = VIEWER
    page = console.get(PAGE)
    assert "read me" in words(page)
    assert "Add a note" not in page.text
    console.get(DIALOG, 403)
    assert ask(console.app, "POST", DIALOG, headers=FORM, content=b"text=no").status_code == 403
    assert texts(console) == ["read me"]


def test_the_page_shows_who_noted_what_and_when_newest_first_with_line_breaks(console: Console):
    console.tenant(start())
    assert "Nobody has noted anything about it." in words(console.get(PAGE))
    noted(console, "first\n  indented")
    noted(console, "second")
    page = console.get(PAGE).text
    section = page[page.index('id="notes"') : page.index('id="errors"')]
    assert re.findall(r'<p class="text">(.*?)</p>', section, re.DOTALL) == ["second", "first\n  indented"]
    assert section.count("<b>operator</b>") == 2
    assert len(re.findall(r'<time datetime="2026-0[12]-\d\dT', section)) == 2
    assert ".text) { margin: 4px 0 0; white-space: pre-wrap }" in _stylesheet(console, page)


def test_what_somebody_noted_is_escaped_everywhere(console: Console):
    console.tenant(start())
    noted(console, EVIL)
    page = console.get(PAGE).text
    assert page.count("<script>alert(1)") == page.count("<img src=x") == 0
    assert page.count("&lt;script&gt;alert(1)") == 2, "in the notes and in the audit log"
    wrong = sent(console, console.get(DIALOG), EVIL + "x" * 2000)
    assert "<script>alert(1)" not in wrong.text
    assert typed(wrong).startswith(EVIL)


def test_the_polled_page_has_a_note_at_once(console: Console):
    console.tenant(start(), *done(*ORDER))
    poll = f"{PAGE}?part=live"
    etag = console.get(poll).headers["ETag"]
    noted(console, "look")
    fresh = console.get(poll, headers={"X-Tenancy-Fresh": "1"})
    assert fresh.headers["ETag"] != etag
    assert "look" in words(fresh)


def test_who_may_edit_but_not_create_is_offered_the_dialog(console: Console):
    console.tenant(start())
    console.caller = Caller("night", frozenset({Right.READ, Right.EDIT}))
    assert 'id="add-note"' in console.get(PAGE).text
    assert console.get(DIALOG).status_code == 200


def test_the_dialog_records_the_note_and_says_so(console: Console):
    console.tenant(start())
    answer = sent(console, console.get(DIALOG), "until 08:00\r\nthen cancel")
    assert (answer.status_code, "The note on acme is recorded." in words(answer)) == (200, True)
    assert texts(console) == ["until 08:00\nthen cancel"]


def test_the_dialog_keeps_what_was_typed_after_a_mistake(console: Console):
    console.tenant(start())
    wrong = sent(console, console.get(DIALOG), "x" * 2001)
    assert (wrong.status_code, typed(wrong)) == (400, "x" * 2001)
    assert "Text: is longer than 2000 characters." in words(wrong)
    assert "Add a note: acme" in words(wrong)
    assert sent(console, wrong, "shorter").status_code == 200


def test_a_dialog_whose_answer_was_lost_keeps_text_and_key_and_is_one_note(
    console: Console, monkeypatch: pytest.MonkeyPatch
):
    console.tenant(start())
    lose_the_first_answer(monkeypatch)
    lost = sent(console, console.get(DIALOG), "do not cancel")
    assert (lost.status_code, typed(lost)) == (503, "do not cancel")
    assert "It may have been done." in words(lost)
    assert "You can send it again: it is performed only once." in words(lost)
    assert sent(console, lost, typed(lost)).status_code == 200
    assert texts(console) == ["do not cancel"]


def test_the_dialog_keeps_what_was_typed_while_the_ledger_is_silent(console: Console):
    console.tenant(start())
    form = console.get(DIALOG)

    def silent() -> Any:
        raise TransientError("The ledger does not respond.")

    console.app.state.services = replace(console.app.state.services, tenancy=silent)
    lost = sent(console, form, "do not cancel")
    assert (lost.status_code, typed(lost)) == (503, "do not cancel")
    assert "Add a note: acme" in words(lost)


def _stylesheet(console: Console, page: str) -> str:
    found = re.search(r'href="[^"]*(/static/[^"]+/console\.css)"', page)
    assert found
    return console.get(found[1]).text
