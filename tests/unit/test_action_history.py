"""The action history: each action of a person once, with who, when, why, and what came of it."""

from datetime import UTC, datetime, timedelta

from tenancy.ledger.action_history import PastAction, build_action_history, count_actions
from tenancy.ledger.envelope import Envelope, Stamp, seal
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.decide import decide
from tenancy.saga.evolve import fold
from tenancy.saga.names import RunId
from tenancy.saga.tenant import Saga
from tests.unit.sagas import (
    DEPLOY,
    HANDLE,
    MARK_ACTIVE,
    ORDER,
    RUN,
    STORAGE,
    TENANT,
    VALIDATE,
    begin,
    complete,
    done,
    fail,
    give_up,
    start,
)

THREE = datetime(2026, 2, 1, 3, tzinfo=UTC)
SECOND_RUN = RunId("run-2")


class Life:
    """A tenant whose facts are recorded at times that the test chooses."""

    def __init__(self) -> None:
        self.saga: Saga | None = None
        self.envelopes: list[Envelope] = []

    def at(self, clock: str, *commands: c.Command, by: str = "ada", why: str = "") -> "Life":
        """Record these commands at this time of the day; `30:03:07` is on the day after."""
        for command in commands:
            for fact in decide(self.saga, command):
                self.saga = fold((fact,), self.saga)
                self._seal(clock, fact, Stamp(by, why))
        return self

    def refused(self, clock: str, action: str, sentence: str, *, by: str = "ada") -> "Life":
        self._seal(clock, f.ActionRefused(action, sentence), Stamp(by))
        return self

    def unwound(self, clock: str) -> "Life":
        assert self.saga is not None
        for resource in reversed(self.saga.live_resources):
            named = (self.saga.generation, resource.kind, resource.name)
            self.at(clock, c.ReleaseResource(*named), c.ConfirmReleased(*named), by="saga")
        return self.at(clock, c.Settle(self.saga.generation), by="saga")

    @property
    def history(self) -> tuple[PastAction, ...]:
        return build_action_history(self.envelopes)

    @property
    def lines(self) -> list[str]:
        return [str(each).replace("2026-02-01 ", "", 1) for each in self.history]

    def _seal(self, clock: str, fact: f.Fact, stamp: Stamp) -> None:
        hours, minutes, seconds = map(int, clock.split(":"))
        at = THREE.replace(hour=0) + timedelta(hours=hours, minutes=minutes, seconds=seconds)
        attempt, seq = self.saga.attempt if self.saga else 0, len(self.envelopes) + 1
        self.envelopes.append(seal(TENANT, fact, seq=seq, at=at, attempt=attempt, stamp=stamp, prev=""))


def provisioning() -> Life:
    return Life().at("03:00:00", start(), *done(VALIDATE, STORAGE), begin(HANDLE), by="grace")


def settled() -> Life:
    return provisioning().at("03:07:12", c.Cancel(), why="INC-7").unwound("03:09:01")


def ready() -> Life:
    return settled().at("03:10:00", c.Reset(), why="again")


def test_an_untouched_tenant_has_none():
    assert provisioning().history == ()


def test_a_whole_night_from_a_failure_to_active():
    night = settled().at("03:10:00", c.Reset()).at("03:11:00", start(SECOND_RUN))
    night.at("03:12:00", *done(*ORDER[: ORDER.index(DEPLOY)], run_id=SECOND_RUN), begin(DEPLOY, run_id=SECOND_RUN))
    night.at("03:15:00", fail(DEPLOY, run_id=SECOND_RUN), give_up(DEPLOY, 1, SECOND_RUN), by="saga")
    night.at("03:15:30", c.Cancel(), by="bob").unwound("03:16:00")
    night.at("03:17:00", c.Reset(), by="bob").at("03:18:00", start(RunId("run-3")), by="bob", why="image is fixed")
    third = {"number": 3, "run_id": RunId("run-3")}
    night.at("03:18:40", *done(*ORDER[:-1], **third), begin(MARK_ACTIVE, **third), complete(MARK_ACTIVE, **third))
    assert night.lines == [
        "cancel at 03:07:12 UTC by ada (INC-7): Failed settled at 03:09:01",
        "reset at 03:10:00 UTC by ada: Failed ready",
        "retry at 03:11:00 UTC by ada: failed at deploy_workloads after 4 min: no answer",
        "cancel at 03:15:30 UTC by bob: Failed settled at 03:16:00",
        "reset at 03:17:00 UTC by bob: Failed ready",
        "retry at 03:18:00 UTC by bob (image is fixed): Active after 40 s",
    ]
    assert [each.attempt for each in night.history] == [1, 1, 2, 2, 2, 3]
    assert night.history[-1].ended_at == THREE.replace(minute=18, second=40)
    assert count_actions(night.history) == "cancel 2 times, reset 2 times, retry 2 times"


def test_a_cancel_that_is_repeated_says_so_and_the_second_has_the_result():
    repeated = provisioning().at("03:07:12", c.Cancel()).at("03:09:30", c.Cancel(), by="bob").unwound("03:09:40")
    assert repeated.lines == [
        "cancel at 03:07:12 UTC by ada: not done when it was repeated at 03:09:30",
        "cancel at 03:09:30 UTC by bob: Failed settled at 03:09:40",
    ]


def test_a_cancel_that_gets_stuck_names_what_is_left():
    stuck = provisioning().at("03:07:12", c.Cancel())
    stuck.at("03:09:00", c.ExhaustUnwinding(1, "The storage does not respond.\nDETAIL: none"), by="saga")
    result = "stuck at 03:09:00, left: role acme_1, database acme_1, connection acme_1: The storage does not respond."
    assert stuck.lines == [f"cancel at 03:07:12 UTC by ada: {result}"]


def test_a_cancel_ends_a_retry_where_it_is():
    cancelled = ready().at("03:11:00", start(SECOND_RUN), begin(VALIDATE, run_id=SECOND_RUN))
    assert cancelled.at("03:30:00", c.Cancel()).lines[-2:] == [
        "retry at 03:11:00 UTC by ada: cancelled at validate_request after 19 min",
        "cancel at 03:30:00 UTC by ada: still under way",
    ]


def test_an_attempt_under_way_says_where_it_is_and_since_when():
    under_way = ready().at("03:11:00", start(SECOND_RUN))
    assert under_way.lines[-1] == "retry at 03:11:00 UTC by ada: still under way"
    under_way.at("03:12:00", *done(VALIDATE, run_id=SECOND_RUN), begin(STORAGE, run_id=SECOND_RUN))
    under_way.at("03:13:00", fail(STORAGE, run_id=SECOND_RUN), begin(STORAGE, 2, SECOND_RUN))
    assert under_way.lines[-1].endswith(": still under way, at allocate_storage since 03:12:00")
    assert under_way.history[-1].ended_at is None


def test_a_forced_reset_ends_what_was_under_way():
    force = c.Reset(force=True, platform_role=True, reason="it hangs")
    assert provisioning().at("03:07:12", c.Cancel()).at("03:12:00", force).lines == [
        "cancel at 03:07:12 UTC by ada: not done when it was reset by force at 03:12:00",
        "reset at 03:12:00 UTC by ada: Failed ready",
    ]
    retried = ready().at("03:11:00", start(SECOND_RUN)).at("05:16:00", force)
    assert retried.lines[-2].endswith("by ada: reset by force after 2 h 5 min")


def test_a_retry_that_fails_past_the_point_of_no_return_says_that_everything_is_kept():
    failed = ready().at("03:11:00", start(SECOND_RUN), *done(*ORDER[:-1], run_id=SECOND_RUN))
    failed.at("03:11:50", begin(MARK_ACTIVE, run_id=SECOND_RUN), fail(MARK_ACTIVE, run_id=SECOND_RUN))
    failed.at("03:12:00", give_up(MARK_ACTIVE, 1, SECOND_RUN))
    assert failed.lines[-1].endswith("failed at mark_active after 60 s, everything is kept: no answer")


def test_a_refused_action_has_the_sentence_and_is_not_counted():
    refused = provisioning().at("03:07:12", c.Cancel()).refused("03:08:00", "reset", "Reset is refused.", by="bob")
    refused.refused("03:08:01", "invitation", "It was shown to ada.").unwound("03:09:00")
    assert refused.lines == [
        "cancel at 03:07:12 UTC by ada: Failed settled at 03:09:00",
        "reset at 03:08:00 UTC by bob: refused: Reset is refused.",
    ]
    assert [each.refused for each in refused.history] == [False, True]
    assert count_actions(refused.history) == "cancel once, reset never, retry never"


def test_a_run_that_was_cleared_in_airflow_is_a_reset_and_a_retry():
    cleared = settled().at("03:20:00", start(RUN, cleared=1), by="airflow")
    assert cleared.lines[1:] == [
        "reset at 03:20:00 UTC by airflow: Failed ready",
        "retry at 03:20:00 UTC by airflow (its run was cleared in Airflow): still under way",
    ]


def test_a_decommission_that_gets_stuck_and_is_repeated():
    gone = ready().at("03:11:00", start(SECOND_RUN), *done(*ORDER, run_id=SECOND_RUN))
    gone.at("04:00:00", c.Decommission()).at("04:02:00", c.ExhaustUnwinding(2, "no answer"), by="saga")
    gone.at("28:10:00", c.Decommission()).unwound("28:10:05")
    stuck, repeated = gone.lines[-2:]
    assert stuck.startswith("decommission at 04:00:00 UTC by ada: stuck at 04:02:00, left: ")
    assert repeated == "decommission at 2026-02-02 04:10:00 UTC by ada: Decommissioned at 04:10:05"


def test_a_tenant_without_resources_is_decommissioned_at_once():
    assert settled().at("03:10:00", c.Decommission()).lines[-1].endswith("by ada: Decommissioned at 03:10:00")


def test_a_result_on_another_day_has_its_date():
    late = provisioning().at("23:59:50", c.Cancel()).unwound("24:00:10")
    assert late.lines == ["cancel at 23:59:50 UTC by ada: Failed settled at 2026-02-02 00:00:10"]


def test_long_reasons_and_errors_are_cut_to_one_line_each():
    long = ready().at("03:11:00", start(SECOND_RUN), begin(VALIDATE, run_id=SECOND_RUN), why="\n why \n" + "x" * 500)
    failed = c.GiveUp(SECOND_RUN, "y" * 500 + "\nCONTEXT: none", VALIDATE)
    line = long.at("03:11:10", failed).lines[-1]
    assert line == f"retry at 03:11:00 UTC by ada (why): failed at validate_request after 10 s: {'y' * 199}…"
