"""Two sandboxes that start together choose the same ports: each part notices that another one answers there."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox import lifecycle, ports, processes, readiness
from sandbox.airflow_env import AirflowOptions
from sandbox.components import API_SERVER
from sandbox.health import Report
from sandbox.layout import PROJECT, Layout
from sandbox.ports import HOST, not_started
from sandbox.postgres import PostgresServer
from sandbox.problems import PortTakenError, SandboxError
from sandbox.processes import Daemon
from sandbox.progress import NoProgress
from tests.postgres_servers import embedded_server

_LISTEN = "import socket, sys, time; s = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"
_HEALTHY: Report = {"metadatabase": {"status": "healthy"}}


@pytest.fixture
def port() -> int:
    return ports.any_free()


def _start(folder: Path, source: str, *arguments: str) -> Daemon:
    command = [sys.executable, "-c", source, *arguments]
    return processes.start("a", command, environment=os.environ, directory=folder, log=folder / "a.log")


@pytest.fixture
def other(tmp_path: Path, port: int) -> Iterator[Daemon]:
    """Another program that has the port."""
    daemon = _start(tmp_path, _LISTEN, str(port))
    while ports.is_free(port):
        time.sleep(0.01)
    yield daemon
    processes.stop(daemon)


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Daemon]:
    """A part of ours that runs and does not listen yet."""
    daemon = _start(tmp_path, "import time; time.sleep(60)")
    yield daemon
    processes.stop(daemon)


def test_the_process_that_listens_on_a_port_is_known(other: Daemon, ours: Daemon, port: int):
    assert processes.listens(other, port)
    assert not processes.listens(ours, port)
    assert not processes.listens(other, port + 1)


def test_an_exit_for_another_reason_than_a_taken_port_is_distinguished(other: Daemon, port: int):
    assert isinstance(not_started("it ended", port, alive=False), PortTakenError)
    assert isinstance(not_started("it ended", ports.any_free(), port, alive=False), PortTakenError)
    assert not isinstance(not_started("it is slow", port, alive=True), PortTakenError)
    assert not isinstance(not_started("it ended", ports.any_free(), alive=False), PortTakenError)


def test_an_api_server_that_another_sandbox_answers_for_is_not_healthy(
    tmp_path: Path, other: Daemon, ours: Daemon, port: int
):
    asked: list[Report] = []

    def ask() -> Report:
        asked.append(_HEALTHY)
        if len(asked) == 3:
            processes.stop(ours)
        return _HEALTHY

    started = [(API_SERVER, ours)]
    with pytest.raises(PortTakenError, match="api-server ended while starting"):
        readiness.await_health(ask, started, log_of=lambda _: tmp_path / "a.log", ports={API_SERVER.name: port})


def test_a_postgresql_whose_port_another_one_has_says_so(tmp_path: Path):
    with embedded_server(tmp_path / "first") as first:
        second = PostgresServer("second", tmp_path / "second", first.port, tmp_path / "second.log", "a password")
        second.create()
        with pytest.raises(PortTakenError, match="second did not start"):
            second.start()
        assert first.healthy()


@pytest.mark.parametrize(("succeeds_at", "tries"), [(1, 1), (2, 2), (7, 7), (8, 7)])
def test_up_chooses_ports_anew_while_they_are_taken_once_for_each_part_at_most(
    monkeypatch: pytest.MonkeyPatch, succeeds_at: int, tries: int
):
    tried: list[int] = []

    class PortsTaken:
        """The sandbox as `up` sees it, whose ports are taken until a number of tries."""

        def __init__(self, *_arguments: object, **_options: object) -> None:
            tried.append(len(tried) + 1)

        def up(self) -> None:
            if tried[-1] < succeeds_at:
                raise PortTakenError(f"{HOST}: the port is taken")

    monkeypatch.setattr(lifecycle, "_Sandbox", PortsTaken)
    layout = Layout.find(PROJECT / ".sandbox-never")
    try:
        lifecycle._up(layout, AirflowOptions(), NoProgress(), usual_ports=False)
        assert succeeds_at <= tries
    except SandboxError:
        assert succeeds_at > tries
    assert len(tried) == tries
