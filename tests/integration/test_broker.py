"""The sandbox's Redis: what it took is there after a kill -9, nobody enters without the password, clients are seen."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from sandbox import processes
from sandbox.broker import Broker
from sandbox.layout import Layout
from sandbox.ports import HOST, any_free
from sandbox.processes import Daemon
from tests.required_programs import require

Start = Callable[[], Daemon]


@pytest.fixture
def broker(tmp_path: Path) -> Broker:
    require("redis-server")
    layout = Layout(tmp_path / "home")
    layout.create()
    return Broker(layout, any_free(), "a-password")


@pytest.fixture
def start(broker: Broker) -> Iterator[Start]:
    started: list[Daemon] = []

    def start() -> Daemon:
        started.append(broker.start(processes.unrecorded))
        return started[-1]

    yield start
    for daemon in started:
        processes.stop(daemon)


def _client(broker: Broker) -> "redis.Redis":
    return redis.Redis(host=HOST, port=broker.port, password=broker.password)


def test_no_message_that_it_took_is_lost_by_a_kill(broker: Broker, start: Start):
    daemon = start()
    with _client(broker) as client:
        for number in range(100):
            client.lpush("default", f"message {number}")
        processes.send_signal(daemon, signal.SIGKILL)
    processes.await_end(daemon, 0)
    assert not broker.healthy()

    start()

    with _client(broker) as client:
        assert client.llen("default") == 100


def test_nobody_enters_without_the_password(broker: Broker, start: Start):
    start()
    for password in ("another", '""'):
        assert not replace(broker, password=password).healthy()


def test_the_password_is_no_argument_of_the_process(broker: Broker, start: Start):
    daemon = start()
    assert broker.password not in Path(f"/proc/{daemon.pid}/cmdline").read_text(encoding="utf-8")


def test_it_knows_who_is_connected_and_since_when_they_are_silent(broker: Broker, start: Start):
    start()
    with _client(broker) as client:
        client.ping()
        port = client.connection_pool.get_connection()._sock.getsockname()[1]
        assert broker.idle_seconds()[port] < 60
