"""`up`, `down`, and parts that die in between."""

import fcntl
import os
import signal
import socket
import time
from collections.abc import Callable

import psutil
import psycopg
import pytest

from sandbox import broker, lifecycle, processes, status
from sandbox.access import Access
from sandbox.components import COMPONENTS
from sandbox.layout import Layout
from sandbox.ports import HOST
from sandbox.problems import SandboxError
from sandbox.processes import Daemon, Register
from tests.sandboxes import EXECUTOR

BROKERS = [broker.NAME] if EXECUTOR == "celery" else []
NAMES = [*(each.name for each in COMPONENTS[EXECUTOR]), "postgres-storage", "postgres-platform", "cluster", *BROKERS]


def _daemon(layout: Layout, name: str) -> Daemon:
    daemon = Register(layout.processes).get(name)
    assert daemon is not None
    return daemon


def _states(layout: Layout) -> dict[str, str]:
    return {part.component: part.state for part in status.read_status(layout)}


def test_all_parts_are_healthy_when_up_returns(sandbox: Access):
    assert _states(sandbox.layout) == dict.fromkeys(NAMES, "healthy")


def test_a_second_up_changes_nothing_and_takes_less_than_a_second(sandbox: Access, sandbox_up: Callable[[], None]):
    before = [_daemon(sandbox.layout, name) for name in NAMES]
    began = time.monotonic()

    sandbox_up()

    assert time.monotonic() - began < 1
    assert [_daemon(sandbox.layout, name) for name in NAMES] == before


@pytest.mark.parametrize("name", NAMES)
def test_up_heals_a_killed_part(sandbox: Access, sandbox_up: Callable[[], None], name: str):
    victim = _daemon(sandbox.layout, name)
    os.kill(victim.pid, signal.SIGKILL)
    while victim.alive:
        time.sleep(0.01)
    assert _states(sandbox.layout)[name] == "dead"

    sandbox_up()

    assert _states(sandbox.layout) == dict.fromkeys(NAMES, "healthy")
    assert processes.members(victim) == []
    assert sandbox.token("operator")


def test_only_what_died_is_started_again(sandbox: Access, sandbox_up: Callable[[], None]):
    others = {name: _daemon(sandbox.layout, name) for name in NAMES if name != "triggerer"}
    os.kill(_daemon(sandbox.layout, "triggerer").pid, signal.SIGKILL)

    sandbox_up()

    assert {name: _daemon(sandbox.layout, name) for name in others} == others


def test_a_part_that_hangs_is_replaced(sandbox: Access, sandbox_up: Callable[[], None]):
    hanging = _daemon(sandbox.layout, "api-server")
    os.kill(hanging.pid, signal.SIGSTOP)

    sandbox_up()

    assert not hanging.alive
    assert _states(sandbox.layout)["api-server"] == "healthy"


def test_a_second_up_at_the_same_time_is_refused_with_a_sentence(sandbox: Access, sandbox_up: Callable[[], None]):
    with sandbox.layout.lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(SandboxError, match="Another `sandbox up` or `down` is running"):
            sandbox_up()


def test_a_part_whose_port_was_taken_meanwhile_gets_another_one(sandbox: Access, sandbox_up: Callable[[], None]):
    port = sandbox.ports["api"]
    processes.stop(_daemon(sandbox.layout, "api-server"))
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind((HOST, port))
        stranger.listen()

        sandbox_up()

    assert sandbox.ports["api"] != port
    assert sandbox.token("operator")


def test_down_leaves_no_process_and_the_next_up_finds_all_data(sandbox: Access, sandbox_up: Callable[[], None]):
    with psycopg.connect(sandbox.superuser_dsn("platform", "ledger")) as ledger:
        ledger.execute("CREATE TABLE public.kept ()")
    daemons = [_daemon(sandbox.layout, name) for name in NAMES]
    began = time.monotonic()

    lifecycle.down(sandbox.layout)

    assert time.monotonic() - began < 10
    assert [pid for daemon in daemons for pid in processes.members(daemon)] == []
    assert _processes_naming(str(sandbox.layout.home)) == []
    assert set(_states(sandbox.layout).values()) == {"stopped"}

    lifecycle.down(sandbox.layout)
    sandbox_up()

    with psycopg.connect(sandbox.superuser_dsn("platform", "ledger")) as ledger:
        ledger.execute("DROP TABLE public.kept")
    assert set(_states(sandbox.layout).values()) == {"healthy"}


def _processes_naming(home: str) -> list[list[str]]:
    return [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline"])
        if any(home in argument for argument in process.info["cmdline"] or ())
    ]
