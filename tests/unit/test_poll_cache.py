"""Polls: fifty people before one page are one look a second, and what has not changed is neither drawn nor sent."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from starlette.requests import Request
from starlette.responses import Response

from tenancy.console.callers import Caller, Right
from tenancy.console.pages.poll_cache import AGE, EVERY, PollCache, PollSnapshot

ADA = Caller("ada", frozenset(Right))
GRACE = Caller("grace", frozenset(Right))
VIEWER = Caller("viewer", frozenset({Right.READ}))


@dataclass
class PolledPage:
    """One page and those who poll it."""

    state: int = 1
    busy: bool = True
    now: float = 100.0
    looks: int = 0
    drawings: int = 0
    poll_cache: PollCache = field(init=False)

    def __post_init__(self) -> None:
        self.poll_cache = PollCache(lambda: self.now)

    def poll(
        self,
        caller: Caller = ADA,
        tag: str = "",
        query: bytes = b"part=live",
        look: Callable[[], PollSnapshot] | None = None,
    ) -> Response:
        headers = [(b"if-none-match", tag.encode())] if tag else []
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": query, "headers": headers,
                 "server": ("test", 80), "scheme": "http", "root_path": ""}  # fmt: skip
        return self.poll_cache.answer(Request(scope), caller, look or self._look)

    def _look(self) -> PollSnapshot:
        self.looks += 1
        return PollSnapshot(self.state, self.busy, self._draw)

    def _draw(self) -> str:
        self.drawings += 1
        return f"state {self.state}"


@pytest.fixture
def page() -> PolledPage:
    return PolledPage()


def test_fifty_polls_within_a_second_are_one_look(page: PolledPage):
    answers = [page.poll(caller) for caller in (ADA, GRACE) * 25]
    assert (page.looks, page.drawings) == (1, 1)
    assert {bytes(answer.body) for answer in answers} == {b"state 1"}


def test_callers_with_other_rights_or_parameters_get_a_page_of_their_own(page: PolledPage):
    page.poll()
    page.poll(VIEWER)
    page.poll(query=b"part=live&attempt=1")
    assert page.drawings == 3


def test_what_has_not_changed_is_neither_drawn_nor_sent(page: PolledPage):
    tag = page.poll().headers["ETag"]
    page.now += 2
    again = page.poll(tag=tag)
    assert (again.status_code, bytes(again.body), again.headers[AGE]) == (304, b"", "2.0")
    assert (page.looks, page.drawings) == (2, 1)


def test_a_change_is_seen_a_second_later(page: PolledPage):
    tag = page.poll().headers["ETag"]
    page.state, page.now = 2, page.now + 1
    changed = page.poll(tag=tag)
    assert (changed.status_code, bytes(changed.body), changed.headers[AGE]) == (200, b"state 2", "0.0")


def test_a_slow_check_never_replaces_a_newer_result(page: PolledPage):
    def slow() -> PollSnapshot:
        result = page._look()
        page.now, page.state = page.now + 2, 2
        assert bytes(page.poll().body) == b"state 2"
        return result

    late = page.poll(look=slow)
    assert bytes(late.body) == b"state 2"
    assert bytes(page.poll().body) == b"state 2"


@pytest.mark.parametrize(("busy", "seconds"), [(True, 10), (False, 60)])
def test_limits_pass_by_themselves_so_a_page_is_drawn_anew_now_and_then(page: PolledPage, busy: bool, seconds: float):
    page.busy = busy
    page.poll()
    page.now += seconds
    page.poll()
    assert page.drawings == 2


def test_many_pages_are_not_kept_for_ever(page: PolledPage):
    for number in range(1000):
        page.poll(query=f"part=live&attempt={number}".encode())
    assert len(page.poll_cache._pages) <= 200


def test_every_answer_says_how_often_to_ask_an_unchanged_one_too(page: PolledPage):
    first = page.poll()
    page.now += 2
    unchanged = page.poll(tag=first.headers["etag"])
    assert (unchanged.status_code, unchanged.headers[EVERY]) == (304, "1")
    page.busy = False
    page.now += 2
    assert page.poll().headers[EVERY] == "5"
