"""`tenancy.testing` holds a container activity to the contract, with a local program in the place of its image."""

import sys
from pathlib import Path

import pytest

from tenancy.adapters.job_documents import JobSpec
from tenancy.saga.errors import Refused
from tenancy.testing import CHECKS, ActivityBench, Check, LocalCluster, activity_in
from tenancy.testing.__main__ import main
from tests.documentation.test_container_activities import PAGE, block

PROGRAM = block(PAGE.read_text(), "python")
"""The documentation's image."""
IN_ONE_STEP = """        (new / "owner").write_text(proof)
        new.rename(store / name)  # mailbox and proof appear in one step
"""
IN_TWO_STEPS = """        (new / "owner").write_text("nobody yet")
        new.rename(store / name)
        import time
        time.sleep(0.5)
        (store / name / "owner").write_text(proof)
"""
RULES = {check.sentence: check for check in CHECKS}


@pytest.fixture
def product(tmp_path: Path) -> Path:
    (tmp_path / "boxes").mkdir()
    (tmp_path / "product.toml").write_text(block(PAGE.read_text(), "toml"))
    return tmp_path


def bench_of(product: Path, program: str) -> ActivityBench:
    boxes = product / "boxes"
    (product / "mailbox.py").write_text(program)
    return ActivityBench(
        activity_in(product, "create_mailbox"),
        probe=lambda _, name: (boxes / name).exists(),
        make_foreign=lambda _, name: _make(boxes / name),
        cluster=LocalCluster(["python", str(product / "mailbox.py"), str(boxes)]),
        kills=2,
        late_seconds=0.0,
    )


def _make(box: Path) -> None:
    box.mkdir()
    (box / "owner").write_text("somebody")


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_the_documentations_image_keeps_the_contract(check: Check, product: Path):
    check.run(bench_of(product, PROGRAM))


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        (IN_ONE_STEP, IN_TWO_STEPS, "killed anywhere, it can be run again to its end"),
        ("    shutil.rmtree(store / name)\n", "", "undoing it leaves nothing, and may be repeated"),
        ("    elif owner != proof:\n", "    elif False:\n", "an object without our proof is refused by its name"),
    ],
)
def test_a_mistake_in_the_program_breaks_its_rule(right: str, wrong: str, rule: str, product: Path):
    assert right in PROGRAM
    (check,) = [each for sentence, each in RULES.items() if sentence.startswith(rule)]
    with pytest.raises(Exception, match=r"\w"):
        check.run(bench_of(product, PROGRAM.replace(right, wrong)))


def test_a_program_gets_its_verb_its_files_and_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("TENANCY_TEST_SECRET", "x")
    (tmp_path / "image.py").write_text(
        "import os, sys\n"
        "given = open(os.environ['TENANCY_INPUT']).read()\n"
        "open(os.environ['TENANCY_RESULT'], 'w').write(f'{sys.argv[1]} {given} {sorted(os.environ)}')\n"
    )
    end = run(tmp_path, arguments=("observe",))
    assert (end.succeeded, end.code) == (True, 0)
    assert end.message.startswith("observe {} [")
    assert "TENANCY_TEST_SECRET" not in end.message


def test_a_program_that_does_not_end_in_its_time_is_ended(tmp_path: Path):
    (tmp_path / "image.py").write_text("import time\nprint('hello', flush=True)\ntime.sleep(60)")
    end = run(tmp_path, seconds=1)
    assert (end.succeeded, end.code, end.overdue) == (False, None, True)


def run(folder: Path, *, seconds: int = 30, arguments: tuple[str, ...] = ()):
    environment = {"TENANCY_INPUT": "/tenancy/input.json", "TENANCY_RESULT": "/dev/termination-log"}
    spec = JobSpec("job", "jobs", "image", "proof", seconds, (), arguments, environment, files={"input.json": "{}"})
    jobs = LocalCluster([sys.executable, str(folder / "image.py")]).jobs
    return jobs.run(spec, fence=lambda: None, patience=60)


def test_an_activity_that_the_product_does_not_have_is_refused_with_those_it_has(product: Path):
    with pytest.raises(Refused, match=r"no container activity create_box \(there are: create_mailbox\)"):
        activity_in(product, "create_box")


def test_the_command_prints_each_rule(product: Path, capsys: pytest.CaptureFixture[str]):
    bench_of(product, PROGRAM.replace("def discover() -> dict:", "def discover() -> dict:\n    return 1 / 0"))
    program = f"python {product / 'mailbox.py'} {product / 'boxes'}"
    assert main(["test", "create_mailbox", "--product", str(product), "--program", program]) == 1
    printed = capsys.readouterr().out
    assert "discover finds exactly what it made" in printed
    assert "ZeroDivisionError" in printed


def test_the_command_runs_only_the_chosen_rules_and_does_not_wait_long(
    product: Path, capsys: pytest.CaptureFixture[str]
):
    bench_of(product, PROGRAM)
    program = f"python {product / 'mailbox.py'} {product / 'boxes'}"
    given = ["test", "create_mailbox", "--product", str(product), "--program", program, "--quick", "--rule", "twice is"]
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("kept    running it twice is running it once")
    assert f"{len(CHECKS) - 1} rules were not run" in printed


def test_a_program_that_can_read_nothing_is_a_fault_of_the_setup(product: Path, capsys: pytest.CaptureFixture[str]):
    bench_of(product, PROGRAM)
    program = f"python {product / 'mailbox.py'} {product / 'no-such-folder'}"
    assert main(["test", "create_mailbox", "--product", str(product), "--program", program]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("The system could not be entered, so nothing was tested: ")
    assert "no-such-folder" in printed.err


@pytest.mark.parametrize(
    ("program", "sentence"), [("python 'x", "is no command: No closing quotation"), (" ", "--program is empty")]
)
def test_a_program_that_is_no_command_is_refused(
    product: Path, program: str, sentence: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["test", "create_mailbox", "--product", str(product), "--program", program]) == 2
    assert sentence in capsys.readouterr().err


def test_the_command_needs_both_product_and_program(product: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["test", "create_mailbox", "--product", str(product)]) == 2
    assert "needs both --product and --program" in capsys.readouterr().err
