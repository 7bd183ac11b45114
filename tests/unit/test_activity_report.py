"""What `tenantctl activity test` prints beside the rules: its progress, what was left out, what was left behind, and a
fault of the setup."""

import io
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tenancy.activities.context import ActivityContext, Observation
from tenancy.saga.errors import PermanentError, PlatformError, Refused, TransientError
from tenancy.saga.systems import Location
from tenancy.testing import CHECKS, ActivityBench, Connection
from tenancy.testing.connections_file import read_connections
from tenancy.testing.progress import Progress
from tenancy.testing.report import report
from tests.unit.folder_activity import BOX, MakeBox

KILLED = "killed anywhere, it can be undone"
FOREIGN = "an object without our proof"


class Slow(MakeBox):
    late_seconds = 15.0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def bench_of(shelf: Path, activity: MakeBox | None = None) -> ActivityBench:
    connections = {"shelf": Connection("shelf_1", host=str(shelf))}
    make = lambda _, name: (shelf / name).mkdir()  # noqa: E731
    return ActivityBench(activity or MakeBox(), connections, make_foreign=make, kills=2)


def test_each_kill_is_told_and_how_long_late_writes_are_waited_for(tmp_path: Path):
    ours, made = os.getpid(), tmp_path / "made"

    class HangsOnceKilledByTime(MakeBox):
        """The first child dies before its effect, the second one is to reach its end."""

        def make(self, context: ActivityContext, box: Path) -> None:
            super().make(context, box)
            if os.getpid() != ours:
                if made.exists():
                    time.sleep(60)
                made.touch()

    steps: list[str] = []
    (shelf := tmp_path / "shelf").mkdir()
    bench = replace(bench_of(shelf, HangsOnceKilledByTime()), progress=steps.append, late_seconds=0.01)
    (check,) = [check for check in CHECKS if check.sentence == KILLED]
    check.run(bench)
    assert steps == [
        "kill before its effect 1, if it has one",
        "kill before its effect 2, if it has one",
        "kill 1 of 2",
        "kill 1 of 2; waiting 0.01 s for late writes",
        "kill 2 of 2",
        "kill 2 of 2; waiting 0.01 s for late writes",
    ]


def test_a_terminal_shows_each_step():
    stream = Terminal()
    progress = Progress(stream, now=lambda: 0.0, rule=KILLED)
    progress.step("kill 1 of 2")
    progress.step("kill 2 of 2")
    assert stream.getvalue() == f"… {KILLED}: kill 1 of 2\n… {KILLED}: kill 2 of 2\n"


def test_a_log_gets_a_line_now_and_then():
    now, stream = iter([0.0, 9.0, 10.0, 10.0, 19.0, 20.0, 20.0]), io.StringIO()
    progress = Progress(stream, now=lambda: next(now), rule=KILLED)
    for step in ("early", "printed", "soon after", "printed again"):
        progress.step(step)
    assert stream.getvalue() == f"… {KILLED}: printed\n… {KILLED}: printed again\n"


def test_quick_says_that_late_writes_were_not_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert report(bench_of(tmp_path, Slow()), rule="explain changes nothing", quick=True) == 0
    printed = capsys.readouterr().out
    assert "make_box states that they may come 15 s after a kill. Run it without --quick before you release" in printed


def test_quick_says_nothing_of_an_activity_that_has_no_late_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert report(bench_of(tmp_path), rule="explain changes nothing", quick=True) == 0
    assert "Late writes" not in capsys.readouterr().out


def test_only_the_chosen_rules_run_and_the_others_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert report(bench_of(tmp_path), rule="Explain Changes") == 0
    printed = capsys.readouterr().out
    assert "1 rules are kept, 0 broken." in printed
    assert f"{len(CHECKS) - 1} rules were not run: their sentences do not contain 'Explain Changes'." in printed


def test_a_text_that_no_rule_contains_is_refused_with_the_rules(tmp_path: Path):
    with pytest.raises(Refused, match=r"No rule contains 'nothing of this'[\s\S]*killed anywhere, it can be undone"):
        report(bench_of(tmp_path), rule="nothing of this")


def test_what_foreign_left_is_listed_and_its_name_is_no_customers(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert report(bench_of(tmp_path), rule=FOREIGN) == 0
    (left,) = tmp_path.iterdir()
    assert left.name.startswith("bench-foreign-")
    assert f"Remove it:\n  {BOX} {left.name}\n" in capsys.readouterr().out


def test_what_foreign_left_is_listed_also_when_the_rule_is_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def fail(_: str, name: str) -> None:
        (tmp_path / name).mkdir()
        raise OSError("the answer was lost")

    assert report(replace(bench_of(tmp_path), make_foreign=fail), rule=FOREIGN) == 1
    assert f"  {BOX} bench-foreign-" in capsys.readouterr().out


def test_with_json_the_notes_are_on_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert report(bench_of(tmp_path, Slow()), rule=FOREIGN, quick=True, as_json=True) == 0
    printed = capsys.readouterr()
    assert [each["outcome"] for each in json.loads(printed.out)] == ["kept"]
    for note in ("rules were not run", "Late writes", f"  {BOX} bench-foreign-"):
        assert note in printed.err


@pytest.mark.parametrize("error", [PlatformError, TransientError])
def test_a_system_that_cannot_be_entered_is_one_sentence(
    error: type[Exception], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    class Closed(MakeBox):
        def locate(self, context: ActivityContext) -> Location:
            raise error("The shelf refuses the key.")

    assert report(bench_of(tmp_path, Closed())) == 1
    printed = capsys.readouterr()
    assert printed.err == "The system could not be entered, so nothing was tested: The shelf refuses the key.\n"
    assert printed.out == ""


def test_a_system_that_may_not_be_read_is_a_fault_of_the_setup(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    class Unreadable(MakeBox):
        def observe(self, context: ActivityContext) -> tuple[Observation, ...]:
            raise PlatformError("The shelf refuses the key.")

    assert report(bench_of(tmp_path, Unreadable()), as_json=True) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out) == []
    assert printed.err.startswith("The system could not be entered")


def test_any_other_error_is_judged_by_the_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    class Wrong(MakeBox):
        def observe(self, context: ActivityContext) -> tuple[Observation, ...]:
            raise PermanentError("no")

    assert report(bench_of(tmp_path, Wrong()), rule="observe says") == 1
    assert "0 rules are kept, 2 broken." in capsys.readouterr().out


def test_a_missing_table_is_named_with_the_file_and_its_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "boxes.toml"
    file.write_text('[shelves]\nhost = "x"\n[other]\nhost = "y"\n')
    assert report(ActivityBench(MakeBox(), read_connections(file), connections_file=file)) == 1
    sentence = f"{file} has no table [shelf], and the activity needs it. The tables in it: [shelves], [other]."
    assert sentence in capsys.readouterr().err


def test_without_a_file_a_missing_connection_says_how_to_give_one(capsys: pytest.CaptureFixture[str]):
    assert report(ActivityBench(MakeBox())) == 1
    assert "no connection to shelf. Give it one: --connections FILE with a table [shelf]" in capsys.readouterr().err
