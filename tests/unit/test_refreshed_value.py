"""A shared value is read by one thread for all, is shown with its age, and nobody waits longer than they want."""

import threading
from collections.abc import Iterator

import pytest

from tenancy.console.refreshed_value import Refreshed, RefreshedValue
from tests.acceptance.runs import wait_until

MAX_AGE = 10.0
ENOUGH = 60.0


class Source:
    """What is read: the number of the reading, or an error; it answers when it may."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.readings = 0
        self.fails = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def read(self) -> int:
        self.readings += 1
        number, fails = self.readings, self.fails
        assert self.may_answer.wait(ENOUGH)
        if fails:
            raise ValueError(f"reading {number} failed")
        return number


@pytest.fixture
def source() -> Iterator[Source]:
    made = Source()
    yield made
    made.may_answer.set()  # its thread ends


@pytest.fixture
def value(source: Source) -> RefreshedValue[int]:
    return RefreshedValue(source.read, max_age=MAX_AGE, clock=lambda: source.now)


def test_nothing_is_read_before_somebody_asks(source: Source, value: RefreshedValue[int]):
    assert (value.latest, source.readings) == (Refreshed(), 0)


def test_a_value_is_read_again_when_it_is_too_old(source: Source, value: RefreshedValue[int]):
    assert value.get(ENOUGH) == Refreshed(1, age=0.0)
    source.now += MAX_AGE - 1
    assert value.get(ENOUGH) == Refreshed(1, age=MAX_AGE - 1)
    source.now += 1
    assert value.get(ENOUGH) == Refreshed(2, age=0.0)


def test_while_a_reading_hangs_everybody_gets_the_last_value_with_its_age(source: Source, value: RefreshedValue[int]):
    value.get(ENOUGH)
    source.may_answer.clear()
    source.now += MAX_AGE
    value.start_refresh()
    source.now += 5.0
    assert [value.get(0.0) for _ in range(3)] == [Refreshed(1, age=MAX_AGE + 5.0, refresh_seconds=5.0)] * 3
    wait_until(lambda: source.readings == 2, "the second reading")
    source.may_answer.set()
    assert value.get(ENOUGH) == Refreshed(2, age=0.0)
    assert source.readings == 2


def test_many_who_ask_at_once_share_one_reading(source: Source, value: RefreshedValue[int]):
    source.may_answer.clear()
    found: list[Refreshed[int]] = []
    threads = [threading.Thread(target=lambda: found.append(value.get(ENOUGH))) for _ in range(8)]
    for thread in threads:
        thread.start()
    source.may_answer.set()
    for thread in threads:
        thread.join(ENOUGH)
    assert ([known.value for known in found], source.readings) == ([1] * 8, 1)


def test_a_failed_reading_keeps_the_last_value_and_says_why(source: Source, value: RefreshedValue[int]):
    value.get(ENOUGH)
    source.fails = True
    source.now += MAX_AGE
    known = value.get(ENOUGH)
    assert (known.value, known.age, str(known.error)) == (1, MAX_AGE, "reading 2 failed")
    source.fails = False
    assert value.get(ENOUGH).error is known.error  # not everybody tries again
    source.now += MAX_AGE
    assert value.get(ENOUGH) == Refreshed(3, age=0.0)


def test_without_a_value_everybody_tries_again(source: Source, value: RefreshedValue[int]):
    source.fails = True
    assert value.get(ENOUGH).value is None
    source.fails = False
    wait_until(lambda: value.get(ENOUGH).value is not None, "a value")


def test_a_hanging_value_takes_one_thread_and_no_other_value_waits_for_it(source: Source, value: RefreshedValue[int]):
    source.may_answer.clear()
    for _ in range(100):
        value.start_refresh()
    other = RefreshedValue(lambda: "there", max_age=MAX_AGE)
    assert other.get(ENOUGH).value == "there"
    assert source.readings <= 1
