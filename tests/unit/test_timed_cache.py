"""What all pages of a process share is read by one thread, and no slow reading holds up a page for long."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tenancy.console.pages.timed_cache import TimedCache
from tenancy.console.services import Services
from tenancy.saga.errors import TransientError

ENOUGH = 60.0


class NoLedger:
    """Lends sessions that nobody reads from: the tests' readings need none."""

    @contextmanager
    def open_pooled(self, _pool: object, _application: str) -> Iterator[None]:
        yield None


def services() -> Services:
    tenancy = cast("Any", SimpleNamespace(ledger=NoLedger()))
    return Services(lambda: tenancy, lambda: datetime(2026, 3, 1, tzinfo=UTC))


class Slow:
    """A reading that lasts until it may continue."""

    def __init__(self) -> None:
        self.may_go_on = threading.Event()
        self.readings = 0

    def __call__(self, _ledger: object) -> int:
        assert self.may_go_on.wait(ENOUGH)
        self.readings += 1
        return self.readings


def test_while_the_value_is_read_again_pages_take_what_was_read_before():
    slow = Slow()
    slow.may_go_on.set()
    cache = TimedCache(services(), slow, seconds=0.0, timeout=ENOUGH)
    assert cache.get() == 1
    slow.may_go_on.clear()
    assert [cache.get() for _ in range(2)] == [1, 1]
    slow.may_go_on.set()


def test_a_first_reading_is_waited_for_as_long_as_a_page_waits():
    slow = Slow()
    cache = TimedCache(services(), slow, seconds=ENOUGH, timeout=0.05)
    with pytest.raises(TransientError, match=r"has not responded for 0\.05 s"):
        cache.get()
    slow.may_go_on.set()
    waiting = TimedCache(services(), slow, seconds=ENOUGH, timeout=ENOUGH)
    assert waiting.get() == waiting.get()


def test_a_value_that_is_too_old_is_not_shown():
    answers: list[int | Exception] = [1, TransientError("silent"), TransientError("silent"), 4]

    def read(_ledger: object) -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    cache = TimedCache(services(), read, seconds=0.0, keep_seconds=ENOUGH, timeout=ENOUGH)
    assert (cache.get(), cache.get()) == (1, 1)
    cache._keep = 0.0  # by now it is too old
    with pytest.raises(TransientError, match="silent"):
        cache.get()
