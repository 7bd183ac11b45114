"""`tenantctl note`: what is sent, what is printed, and where the notes are shown."""

import io
import json
from dataclasses import replace

import pytest

from tenantctl import action_commands
from tenantctl.environment import Environment
from tenantctl.exit_codes import ExitCode, UsageError
from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant
from tests.unit.tenantctl_runner import run


@pytest.mark.parametrize("phase", ["Provisioning", "Active", "Failed stuck", "Decommissioned"])
def test_a_note_is_one_request_and_one_sentence_in_every_phase(phase: str):
    api = FakeTenancy(FakeTenant("acme", phase))
    ended = run(api, "note", "acme", "  do not cancel before 08:00")
    assert (ended.code, ended.out) == (0, "The note on acme is recorded.\n")
    assert api.writes == ["notes"]
    assert api.body() == {"text": "  do not cancel before 08:00"}


def test_the_answer_as_json_has_the_tenant_with_the_note():
    ended = run(FakeTenancy(FakeTenant("acme", "Active")), "note", "acme", "watch it", "--json")
    assert [note["text"] for note in json.loads(ended.out)["tenant"]["notes"]] == ["watch it"]


def test_a_hyphen_reads_the_text_from_stdin_with_its_line_breaks():
    api = FakeTenancy(FakeTenant("acme", "Active"))
    assert run(api, "note", "acme", "-", stdin="first\nsecond\n").code == 0
    assert api.body() == {"text": "first\nsecond"}


@pytest.mark.parametrize(("text", "stdin"), [("", ""), ("  ", ""), ("-", ""), ("-", " \n")])
def test_an_empty_note_is_not_sent(text: str, stdin: str):
    api = FakeTenancy(FakeTenant("acme", "Active"))
    ended = run(api, "note", "acme", text, stdin=stdin)
    assert (ended.code, api.requests) == (2, [])
    assert "The note is empty." in ended.err


def test_a_note_that_is_too_long_is_refused_with_the_limit():
    ended = run(FakeTenancy(FakeTenant("acme", "Active")), "note", "acme", "x" * 2001)
    assert (ended.code, "2000 characters" in ended.err) == (2, True)


def test_stdin_that_is_not_utf_8_is_refused():
    class Session:
        environment = replace(Environment.of_process(), stdin=io.TextIOWrapper(io.BytesIO(b"x\xff"), encoding="utf-8"))

    with pytest.raises(UsageError, match=r"stdin: must be valid UTF-8 text\."):
        action_commands.note(Session(), "acme", "-")  # type: ignore[arg-type]


def test_a_note_on_a_tenant_that_does_not_exist_says_so():
    assert run(FakeTenancy(), "note", "nobody", "x").code == ExitCode.NOT_FOUND


def test_show_has_the_notes_newest_first_each_on_one_line():
    acme = FakeTenant("acme", "Active")
    acme.note("older")
    acme.note("newer,\nof two lines\x1b[2J")
    lines = [line for line in run(FakeTenancy(acme), "show", "acme").out.splitlines() if line.startswith("Note")]
    assert [line.split("op: ")[1] for line in lines] == ["newer, of two lines\\x1b[2J", "older"]
    assert all("2026-11-22 03:04:05Z" in line for line in lines)
