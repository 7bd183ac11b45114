"""Daemons: alive by id and birth, ended by session, and nobody else touched."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from sandbox import processes
from sandbox.processes import Daemon, Register

# A daemon with a child that leaves its process group, as Airflow's tasks do, and that ignores SIGTERM.
_WITH_CHILD = """
import os, signal, time
if os.fork() == 0:
    os.setpgid(0, 0)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(60)
"""
_SLEEP = "import time; time.sleep(60)"

Start = Callable[[str], Daemon]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Daemon] = []

    def start(source: str) -> Daemon:
        command = [sys.executable, "-c", source]
        log = tmp_path / "a.log"
        daemon = processes.start("a", command, environment=os.environ, directory=tmp_path, log=log)
        started.append(daemon)
        return daemon

    yield start
    for daemon in started:
        processes.stop(daemon, first=signal.SIGKILL)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "did not come true"
        time.sleep(0.01)


def test_a_started_daemon_is_alive_in_a_session_of_its_own(start: Start):
    daemon = start(_SLEEP)

    assert daemon.alive
    assert os.getsid(daemon.pid) == daemon.pid


def test_a_killed_daemon_is_not_alive(start: Start):
    daemon = start(_SLEEP)

    os.kill(daemon.pid, signal.SIGKILL)

    _until(lambda: not daemon.alive)


def test_another_process_with_the_same_id_is_neither_ours_nor_ended(start: Start):
    stranger = start(_SLEEP)
    recorded = replace(stranger, birth="another day")

    processes.stop(recorded)

    assert not recorded.alive
    assert stranger.alive


def test_stopping_ends_what_left_the_process_group_and_ignores_sigterm(start: Start):
    daemon = start(_WITH_CHILD)
    _until(lambda: len(processes.members(daemon)) == 2)

    processes.stop(daemon, grace_seconds=0.2)

    assert processes.members(daemon) == []


def test_leftovers_of_a_killed_daemon_are_ended(start: Start):
    daemon = start(_WITH_CHILD)
    _until(lambda: len(processes.members(daemon)) == 2)
    os.kill(daemon.pid, signal.SIGKILL)
    _until(lambda: not daemon.alive)
    [leftover] = processes.members(daemon)

    processes.stop(daemon, grace_seconds=0.2)

    assert not psutil.pid_exists(leftover) or psutil.Process(leftover).status() == psutil.STATUS_ZOMBIE


def test_the_output_of_a_daemon_is_appended_to_its_log(start: Start, tmp_path: Path):
    (tmp_path / "a.log").write_text("yesterday\n")

    start("print('today')")

    _until(lambda: (tmp_path / "a.log").read_text() == "yesterday\ntoday\n")


def test_a_register_remembers_until_it_is_cleared(start: Start, tmp_path: Path):
    register = Register(tmp_path / "processes.json")
    daemon = start(_SLEEP)

    register.put(daemon)
    assert Register(tmp_path / "processes.json").get("a") == daemon

    register.forget("a")
    assert register.get("a") is None


def test_a_daemon_is_recorded_before_its_starter_continues(tmp_path: Path):
    register = Register(tmp_path / "processes.json")
    daemon = processes.start(
        "a",
        [sys.executable, "-c", _SLEEP],
        environment=os.environ,
        directory=tmp_path,
        log=tmp_path / "a.log",
        record=register.put,
    )

    assert register.get("a") == daemon
    processes.stop(daemon)
