"""How often pages ask: together never more than the api-server can spare, alone as often as they like."""

import heapq

import pytest

from tenancy.console.pages.poll_pacing import MAX_INTERVAL, MAX_POLLS_PER_SECOND, POLL_SECONDS, PollPacer


class House:
    """Open pages that ask as they are told."""

    def __init__(self, pages: int, *, resting: int = 0) -> None:
        self.now, self.resting = 0.0, resting
        pages += resting
        self.pacer = PollPacer(lambda: self.now)
        self.next = [(POLL_SECONDS * page / pages, page) for page in range(pages)]
        self.polls: list[tuple[float, int, bool]] = []

    def live(self, until: float) -> None:
        while self.next[0][0] < until:
            self.now, page = heapq.heappop(self.next)
            busy = page >= self.resting
            every = self.pacer.next_interval(busy=busy)
            self.polls.append((self.now, every, busy))
            heapq.heappush(self.next, (self.now + every * POLL_SECONDS, page))

    def leave(self, remaining: int) -> None:
        self.next = sorted((at, page) for at, page in self.next if page < remaining)

    def polls_a_second(self, since: float, until: float) -> float:
        return sum(since <= at < until for at, _, _ in self.polls) / (until - since)

    def paces(self, since: float, *, busy: bool = True) -> set[int]:
        return {every for at, every, was_busy in self.polls if at >= since and was_busy is busy}


@pytest.mark.parametrize("pages", [1, 5, 16])
def test_few_pages_ask_at_every_beat(pages: int):
    house = House(pages)
    house.live(120)
    assert house.paces(0) == {1}


@pytest.mark.parametrize("pages", [30, 50, 100])
def test_many_pages_ask_together_about_as_much_as_can_be_spared(pages: int):
    house = House(pages)
    house.live(240)
    assert house.polls_a_second(30, 240) <= MAX_POLLS_PER_SECOND * 1.25
    assert house.polls_a_second(30, 240) >= MAX_POLLS_PER_SECOND / 2, "and not much less"


def test_a_crowd_that_comes_at_once_is_slowed_down_within_seconds():
    house = House(50)
    house.live(20)
    assert house.polls_a_second(10, 20) <= MAX_POLLS_PER_SECOND * 1.5


def test_pages_without_end_still_learn_what_happens():
    house = House(2000)
    house.live(60)
    assert max(house.paces(0)) == MAX_INTERVAL


def test_a_page_that_stays_open_polls_at_every_interval_again():
    house = House(50)
    house.live(60)
    house.leave(3)
    house.live(120)
    assert house.paces(100) == {1}


def test_pages_at_rest_ask_every_ten_seconds_and_more_seldom_in_a_crowd():
    house = House(0, resting=10)
    house.live(60)
    assert house.paces(0, busy=False) == {5}
    pacer = House(0, resting=400)
    pacer.live(60)
    assert min(pacer.paces(30, busy=False)) > 5


def test_pages_at_rest_do_not_slow_down_the_one_where_something_happens():
    house = House(1, resting=40)
    house.live(120)
    assert house.paces(0) == {1}
