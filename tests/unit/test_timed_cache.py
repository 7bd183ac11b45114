"""What all pages of a process share is read by one of them, and no slow reading holds up the others."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest

from tenancy.console.pages import timed_cache
from tenancy.console.pages.timed_cache import TimedCache
from tenancy.saga.errors import TransientError

LEDGER = cast("Any", None)
SECONDS = 60.0


class Slow:
    """A reading that lasts until it may continue."""

    def __init__(self) -> None:
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self.readings = 0

    def __call__(self, _ledger: object) -> int:
        self.begun.set()
        assert self.may_go_on.wait(SECONDS)
        self.readings += 1
        return self.readings


@pytest.fixture
def pages() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_while_one_page_reads_anew_the_others_take_what_was_read_before(pages: ThreadPoolExecutor):
    slow = Slow()
    slow.may_go_on.set()
    cache = TimedCache(slow, seconds=0.0)
    assert cache.get(LEDGER) == 1
    slow.begun.clear()
    slow.may_go_on.clear()
    reading = pages.submit(cache.get, LEDGER)
    assert slow.begun.wait(SECONDS)
    assert [cache.get(LEDGER) for _ in range(3)] == [1, 1, 1]
    slow.may_go_on.set()
    assert reading.result(SECONDS) == 2


def test_a_first_reading_is_waited_for_as_long_as_a_page_waits(
    pages: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(timed_cache, "READ_TIMEOUT_SECONDS", 0.05)
    slow = Slow()
    cache = TimedCache(slow, SECONDS)
    reading = pages.submit(cache.get, LEDGER)
    assert slow.begun.wait(SECONDS)
    with pytest.raises(TransientError, match="has not responded"):
        cache.get(LEDGER)
    slow.may_go_on.set()
    assert (reading.result(SECONDS), cache.get(LEDGER), slow.readings) == (1, 1, 1)


def test_what_cannot_be_read_anew_is_not_tried_by_every_page():
    answers: list[int | Exception] = [1, TransientError("silent"), 3]

    def read(_ledger: object) -> int:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    cache = TimedCache(read, SECONDS)
    assert cache.get(LEDGER) == 1
    cache._due = 0.0
    with pytest.raises(TransientError, match="silent"):
        cache.get(LEDGER)
    assert (cache.get(LEDGER), answers) == (1, [3])
