"""What others typed does no harm on an operator's terminal; durations read as people say them."""

import re

import pytest

from sandbox.layout import PROJECT
from tenantctl.drawing import Line, grid, lines_of, plain_text
from tenantctl.lists import DRIFT_CHECK_MINUTES
from tenantctl.text import duration_in_words, escape_controls, format_duration, format_time
from tests.contract.fake_documents import ORPHAN
from tests.contract.fake_tenancy_api import FakeTenancy
from tests.contract.fake_tenant import FakeTenant
from tests.unit.tenantctl_runner import run

PANE_REDRAWN = "\r\x1b[2K"
"""What rich prints before it draws the pane of `watch` again, eight times a second."""
HOSTILE = "[red]x[/red] :boom: \x1b]0;pwned\x07\x1b[2J\u202eevil\r\n\x9b31m"


@pytest.fixture
def api() -> FakeTenancy:
    error = {"at": "t", "attempt": 1, "activity": "deploy_workloads", "error": HOSTILE, "message": f"first\n{HOSTILE}"}
    failure = {"attempt": 1, "activity": HOSTILE, "message": HOSTILE}
    return FakeTenancy(
        FakeTenant("acme", "Failed settled", name=HOSTILE, held=HOSTILE, errors=[error], failures=[failure])
    )


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize(
    "arguments", [["list"], ["show", "acme"], ["errors", "acme"], ["watch", "acme"], ["escalate", "acme", "-m", "x"]]
)
def test_no_sign_of_a_hostile_name_reaches_the_terminal(api: FakeTenancy, arguments: list[str], terminal: bool):
    ended = run(api, *arguments, terminal=terminal)
    for text in (ended.out.replace(PANE_REDRAWN, ""), ended.err):
        assert "\x1b]" not in text
        assert "\x1b[2J" not in text
        assert not set(text) & set("\x07\x9b\u202e\r")


def test_markup_and_emoji_codes_are_shown_as_they_are(api: FakeTenancy):
    assert "[red]x[/red] :boom: \\x1b]0;pwned" in run(api, "list").out


def test_a_message_keeps_its_lines(api: FakeTenancy):
    assert "\n    first\n    [red]x" in run(api, "errors", "acme").out


@pytest.mark.parametrize("name", ["Müller & Söhne", "日本語", "क्\u200dष", "a👩\u200d🚀"])
def test_common_international_names_stay_unchanged(name: str):
    assert escape_controls(name) == name


@pytest.mark.parametrize(("character", "shown"), [("\n", "\\n"), ("\x00", "\\x00"), ("\u2066", "\\u2066")])
def test_a_control_character_is_spelled_out(character: str, shown: str):
    assert escape_controls(character) == shown


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, "-"), (0.04, "0.0 s"), (59.9, "59.9 s"), (61, "1:01 min"), (3700, "1 h 1 min"), (100_000, "1 d 3 h")],
)
def test_a_duration(seconds: float | None, expected: str):
    assert format_duration(seconds) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"), [(120, "2 minutes"), (60, "1 minute"), (90, "90 seconds"), (0, "1 second")]
)
def test_a_wait(seconds: int, expected: str):
    assert duration_in_words(seconds) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-22T03:04:05.678901Z", "2026-11-22 03:04:05Z"),
        ("2026-11-22T04:04:05+01:00", "2026-11-22 03:04:05Z"),
        ("never", "never"),
        (None, "None"),
    ],
)
def test_a_time_is_utc_to_the_second(value: object, expected: str):
    assert format_time(value) == expected


def test_columns_are_aligned_where_characters_are_wide_or_none():
    drawn = plain_text([grid([("日本語", 1), ("क्ष", 2), ("a", 3)], ["NAME", "N"])])
    assert drawn == "NAME    N\n日本語  1\nक्ष      2\na       3\n"


def test_a_drawn_line_is_one_line_and_a_text_has_several():
    drawn = plain_text([Line("one\nline"), *lines_of("two\r\nlines\x1b[2J", indent="  "), *lines_of("")])
    assert drawn == "one\\nline\n  two\n  lines\\x1b[2J\n\n"


def test_a_table_on_a_narrow_terminal_folds_its_last_column_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "100")
    printed = run(FakeTenancy(FakeTenant("acme", name="x" * 30)), "list", terminal=True).out
    lines = re.sub(r"\x1b\[[0-9;]*m", "", printed).splitlines()
    row = next(number for number, line in enumerate(lines) if "acme" in line)
    assert lines[row].split()[-1].strip("x") == lines[row + 1].strip().strip("x") == ""


def test_a_list_in_a_pipe_has_one_line_a_tenant_however_long():
    api = FakeTenancy(FakeTenant("acme", name="x" * 300))
    lines = run(api, "list").out.splitlines()
    assert next(line for line in lines if "acme" in line).endswith("x" * 300)


def test_a_list_without_tenants_says_so_and_a_longer_one_says_how_to_continue():
    assert "There are no tenants yet." in run(FakeTenancy(), "list").out
    api = FakeTenancy(FakeTenant("a1"), FakeTenant("a2"))
    assert "--cursor c2" in run(api, "list", "--limit", "1").err


@pytest.mark.parametrize("verb", ["timeline", "audit", "resources"])
def test_other_renderings(api: FakeTenancy, verb: str):
    ended = run(api, verb, "acme")
    assert ended.code == 0
    assert ended.out.strip()


def test_a_timeline_says_which_product_an_attempt_began_with(api: FakeTenancy):
    line = "  product sample 1.0.0, chart 1.0.1 (c1c1c1c1c1c1), values a1a1a1a1a1a1, schema 0002"
    assert line in run(api, "timeline", "acme").out.splitlines()


def test_findings_say_when_the_check_looks_again_as_the_dag_is_scheduled(api: FakeTenancy):
    assert f"It looks again every {DRIFT_CHECK_MINUTES} minutes." in run(api, "findings").out
    assert f'"*/{DRIFT_CHECK_MINUTES} * * * *"' in (PROJECT / "dags" / "tenant_reality_check.py").read_text()


def test_findings_are_reported_with_what_to_do_and_have_exit_code_1(api: FakeTenancy):
    assert (run(api, "findings").code, "Nothing was found" in run(api, "findings").out) == (0, True)
    api.findings = [ORPHAN, {**ORPHAN, "name": HOSTILE, "said": HOSTILE, "slug": HOSTILE}]
    ended = run(api, "findings")
    assert ended.code == 1
    assert "orphan  database gone_1  eu-central  since 2026-11-22 02:30:00Z  tenant 018f0000" in ended.out
    assert f"    {ORPHAN['said']}" in ended.out
    assert not set(ended.out) & set("\x1b\x07\x9b\u202e\r")


def test_a_late_reality_check_is_reported_beside_what_it_found(api: FakeTenancy):
    api.late = True
    ended = run(api, "findings")
    assert ended.code == 1
    assert "tenant_reality_check there, not paused?" in ended.err
    assert "more than are shown" in ended.err


def test_a_tenant_is_shown_with_what_was_found_of_it():
    api = FakeTenancy(FakeTenant("acme", "Active", findings=[ORPHAN]))
    assert f"! {ORPHAN['said']}" in run(api, "show", "acme").out


def test_a_tenant_is_shown_with_the_products_parameters():
    shown = run(FakeTenancy(FakeTenant("acme", "Active")), "show", "acme").out
    assert "seats: 5" in shown
    assert "tier: gold" in shown


def test_what_is_not_well_has_exit_code_1():
    api = FakeTenancy(FakeTenant("acme"))
    assert [run(api, "health").code, run(api, "audit", "acme").code] == [0, 0]
    api.late = True
    assert [run(api, "health").code, run(api, "audit", "acme").code] == [1, 1]
    assert "LATE" in run(api, "health").out
    api.late, api.storage = False, "down"
    assert run(api, "health").code == 1
    line = r"^DOWN +storage +eu-central +It says so. \(since 2026-11-22 03:00:00Z\)$"
    assert re.search(line, run(api, "health").out, re.MULTILINE)
    api.storage, api.engine = "ok", "The workflow engine's scheduler sends no heartbeat."
    assert run(api, "health").code == 1
    assert api.engine in run(api, "health").out
    api.late = True
    assert "broken at 2" in run(api, "audit", "acme").out


@pytest.mark.parametrize("state", ["degraded", "unknown"])
def test_what_only_waits_or_is_not_known_is_reported_with_exit_code_0(state: str):
    api = FakeTenancy()
    api.storage = state
    ended = run(api, "health")
    assert ended.code == 0
    assert f"{state.upper()} " in ended.out


def test_faults_of_the_platform_come_first():
    api = FakeTenancy()
    api.storage = "down"
    lines = run(api, "health").out.splitlines()
    first = lines.index(next(line for line in lines if "SYSTEM" in line)) + 1
    assert [line.split()[0] for line in lines[first : first + 3]] == ["DOWN", "OK", "OK"]


def test_a_failure_of_several_lines_is_reported_in_one():
    message = "the relation exists\nCONTEXT:  while inserting index tuple"
    api = FakeTenancy(
        FakeTenant("acme", "Failed settled", failures=[{"attempt": 1, "activity": "a", "message": message}])
    )
    printed = " ".join(run(api, "show", "acme").out.split())
    assert "the relation exists CONTEXT: while inserting" in printed
    assert "\\n" not in printed
