"""Which ports the sandbox chooses."""

import socket
from collections.abc import Iterator

import pytest

from sandbox import ports


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind((ports.HOST, 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_takes_the_usual_port_when_it_is_free():
    usual = {"api": ports.any_free()}

    assert ports.choose({}, usual=usual) == usual


def test_takes_another_port_when_the_usual_one_is_taken(taken_port: int):
    chosen = ports.choose({}, usual={"api": taken_port})

    assert chosen["api"] != taken_port
    assert ports.is_free(chosen["api"])


def test_takes_another_port_when_a_listener_on_all_interfaces_has_it():
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()

        assert not ports.is_free(listener.getsockname()[1])


def test_takes_the_port_of_the_last_time_again():
    last_time = {"api": ports.any_free()}

    assert ports.choose(last_time, usual={"api": ports.any_free()}) == last_time


def test_a_running_part_keeps_its_port_although_it_is_taken(taken_port: int):
    chosen = ports.choose({"api": taken_port}, running={"api"}, usual={"api": ports.any_free()})

    assert chosen == {"api": taken_port}


def test_never_gives_one_port_to_two_parts():
    port = ports.any_free()

    chosen = ports.choose({}, usual={"platform": port, "storage": port, "api": 0})

    assert len(set(chosen.values())) == 3
