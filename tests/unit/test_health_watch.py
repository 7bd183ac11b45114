"""The newest health is kept for all pages and API calls: one look at a time, and nobody waits for long."""

import threading
from datetime import UTC, datetime

from tenancy.console.health_watch import HealthWatch
from tenancy.engine.health.check_results import CheckResult, Condition, Health, System
from tests.acceptance.runs import wait_until

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ILL = Health((CheckResult(System.LEDGER, Condition.DOWN, "It does not respond."),), NOW)


class FakePlatform:
    """It counts how often it is looked at, and answers when it may."""

    def __init__(self) -> None:
        self.asked = 0
        self.may_answer = threading.Event()

    def look(self) -> Health:
        self.asked += 1
        assert self.may_answer.wait(60)
        return ILL


def test_many_requests_at_once_share_one_check():
    platform = FakePlatform()
    watch, results = HealthWatch(platform.look, fresh_seconds=3600), list[Health]()
    threads = [threading.Thread(target=lambda: results.append(watch())) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: platform.asked, "the look to begin")
    platform.may_answer.set()
    for thread in threads:
        thread.join(60)
    assert [health.state for health in results] == [Condition.DOWN] * 8
    assert platform.asked == 1
    assert watch().checks[0].since == NOW


def test_an_old_result_is_returned_while_a_newer_check_is_slow():
    platform = FakePlatform()
    platform.may_answer.set()
    watch = HealthWatch(platform.look, fresh_seconds=0)
    assert watch().state is Condition.DOWN
    platform.may_answer.clear()
    wait_until(lambda: watch().state is Condition.DOWN and platform.asked == 2, "an old picture during a second look")
    platform.may_answer.set()


def test_starting_a_check_does_not_wait_for_it():
    platform = FakePlatform()
    watch = HealthWatch(platform.look)
    watch.start_refresh()
    watch.start_refresh()
    assert watch.latest == Health()
    platform.may_answer.set()
    wait_until(lambda: watch.latest.checks, "the look to end")
    assert platform.asked == 1


def test_without_a_platform_nothing_is_known():
    assert HealthWatch(Health)().state is Condition.UNKNOWN
