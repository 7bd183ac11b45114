"""Commands that run a module of the product: Ctrl-C reaches the module, and its end is awaited."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.layout import PROJECT
from sandbox.polling import poll

_SLOW = """
import pathlib, sys, time
pathlib.Path("begun").touch()
try:
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.5)
    pathlib.Path("cleaned").touch()
    sys.exit(130)
"""


def interrupted(tmp_path: Path, code: str, begun: Path) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process group of its own, and press Ctrl-C once it has begun."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": f"{PROJECT / 'include'}:{tmp_path}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert poll(60, begun.exists)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess([], process.returncode, out, err)


def test_a_module_that_is_interrupted_cleans_up_and_its_exit_code_is_passed_on(tmp_path: Path):
    (tmp_path / "slow.py").write_text(_SLOW)
    run = "import sys; from tenantctl.module_command import run_module; sys.exit(run_module('slow', []))"
    ended = interrupted(tmp_path, run, tmp_path / "begun")
    assert (ended.returncode, ended.stderr) == (130, "")
    assert (tmp_path / "cleaned").exists()


@pytest.mark.parametrize("module", ["tenancy.products", "tenancy.testing"])
def test_the_products_modules_end_in_a_sentence(tmp_path: Path, module: str):
    run = (
        "import pathlib, runpy, sys, argparse, time\n"
        "def hang(*_, **__):\n    pathlib.Path('begun').touch(); time.sleep(60)\n"
        "argparse.ArgumentParser.parse_args = hang\n"
        f"runpy.run_module({module!r}, run_name='__main__')\n"
    )
    ended = interrupted(tmp_path, run, tmp_path / "begun")
    assert (ended.returncode, ended.stderr) == (130, "Interrupted.\n")


def test_ctrl_c_before_a_command_has_begun_prints_no_traceback(tmp_path: Path):
    run = (
        "import pathlib, sys, time\nfrom tenantctl import cli\n"
        "def hang(name):\n    pathlib.Path('begun').touch(); time.sleep(60)\n"
        "cli._load = hang\nsys.exit(cli.main(['list']))\n"
    )
    ended = interrupted(tmp_path, run, tmp_path / "begun")
    assert (ended.returncode, ended.stderr) == (130, "")


def test_a_wrong_command_line_whose_stderr_is_closed_prints_no_traceback(tmp_path: Path):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "tenantctl", "no-such-command"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "include"), "PYTHONUNBUFFERED": "1"}
    ended = subprocess.run(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=writer, check=False)
    os.close(writer)
    assert ended.returncode == 141
