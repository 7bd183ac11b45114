"""The timeline: what an operator sees of each attempt, from the facts alone. Pure: time is in the facts."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count

from tenancy.ledger.envelope import Envelope, Stamp, seal
from tenancy.ledger.timeline import ActivityRow, CompensationStatus, RowStatus, Timeline, build_timelines
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.decide import decide
from tenancy.saga.evolve import evolve
from tenancy.saga.tenant import Saga
from tests.integration.lifecycles import FIRST_FAILS, RETRIED_AND_RETAINED, STUCK_THEN_SETTLED, WHOLE_LIFE, release
from tests.unit.sagas import (
    HANDLE,
    MARK_ACTIVE,
    ORDER,
    SCHEMA,
    STORAGE,
    TENANT,
    VALIDATE,
    begin,
    complete,
    done,
    fail,
    start,
)

NOON = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


def _recorded(*commands: c.Command | f.Fact) -> list[Envelope]:
    """What the ledger has after these commands and noted facts, one second for each of them from noon on."""
    saga: Saga | None = None
    envelopes: list[Envelope] = []
    for each, second in zip(commands, count(), strict=False):
        for fact in (each,) if isinstance(each, f.Fact) else decide(saga, each):
            saga = evolve(saga, fact)
            at = NOON + timedelta(seconds=second)
            seq = len(envelopes) + 1
            envelopes.append(seal(TENANT, fact, seq=seq, at=at, attempt=1, stamp=Stamp("ada"), prev=""))
    return envelopes


def _only(envelopes: Iterable[Envelope]) -> Timeline:
    (timeline,) = build_timelines(envelopes)
    return timeline


def _after(seconds: int) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_no_facts_have_no_timeline():
    assert build_timelines([]) == ()


def test_rows_are_in_the_order_of_the_plan_and_wait():
    timeline = _only(_recorded(start()))
    assert [row.activity for row in timeline.rows] == list(ORDER)
    assert {row.status for row in timeline.rows} == {RowStatus.IDLE}
    assert (timeline.attempt, timeline.run_id, timeline.started_at) == (1, "run-1", NOON)
    assert timeline.row(VALIDATE).duration(_after(60)) is None


def test_the_time_of_a_running_row_advances_and_that_of_a_done_one_does_not():
    timeline = _only(_recorded(start(), *done(VALIDATE), begin(STORAGE)))
    assert timeline.row(VALIDATE).duration(_after(60)) == timedelta(seconds=1)
    running = timeline.row(STORAGE)
    assert (running.status, running.duration(_after(60))) == (RowStatus.RUNNING, timedelta(seconds=57))


def test_a_failed_try_shows_its_error_until_the_next_one_is_done():
    commands = [start(), *done(VALIDATE), begin(STORAGE), fail(STORAGE)]
    retrying = _only(_recorded(*commands)).row(STORAGE)
    assert (retrying.status, retrying.tries, retrying.message) == (RowStatus.RETRYING, 1, "no answer")
    again = _only(_recorded(*commands, begin(STORAGE, 2))).row(STORAGE)
    assert (again.status, again.tries, again.started_at, again.ended_at) == (RowStatus.RUNNING, 2, _after(3), None)
    ended = _only(_recorded(*commands, begin(STORAGE, 2), complete(STORAGE, 2))).row(STORAGE)
    assert (ended.status, ended.message, ended.duration(_after(60))) == (RowStatus.DONE, "", timedelta(seconds=3))


def test_the_last_failure_is_red_with_its_error_and_later_rows_stay_idle():
    timeline = _only(_recorded(*FIRST_FAILS))
    failed = timeline.row(SCHEMA)
    assert (failed.status, failed.message, failed.tries) == (RowStatus.FAILED, "no answer", 2)
    assert failed.ended_at == _after(len(FIRST_FAILS) - 2)
    assert timeline.row(MARK_ACTIVE).status is RowStatus.IDLE
    assert [row.undo for row in timeline.rows] == [CompensationStatus.NO] * len(ORDER)


def test_a_row_is_being_undone_until_all_it_made_is_gone():
    undone = (*FIRST_FAILS, *release(1, ("schema", "acme_1"), ("connection", "acme_1")))
    half = _only(_recorded(*undone, *release(1, ("database", "acme_1"))))
    assert {row.activity: row.undo for row in half.rows if row.undo is not CompensationStatus.NO} == {
        SCHEMA: CompensationStatus.UNDONE,
        HANDLE: CompensationStatus.UNDONE,
        STORAGE: CompensationStatus.UNDOING,
    }
    whole = _only(_recorded(*undone, *release(1, ("database", "acme_1"), ("role", "acme_1"))))
    assert whole.row(STORAGE).undo is CompensationStatus.UNDONE
    assert whole.row(STORAGE).status is RowStatus.DONE


def test_a_compensation_that_fails_is_reported_beside_the_first_error_not_in_its_place():
    stuck = _only(_recorded(*FIRST_FAILS, *STUCK_THEN_SETTLED[:6]))
    assert stuck.row(HANDLE).undo is CompensationStatus.FAILED
    assert stuck.row(SCHEMA).message == "no answer"
    assert stuck.notes == ("connection acme_1 could not be undone: no answer",)


def test_what_is_found_again_is_being_undone_again():
    found = _only(_recorded(*FIRST_FAILS, *STUCK_THEN_SETTLED[:-3]))
    assert found.row(STORAGE).undo is CompensationStatus.UNDOING
    settled = _only(_recorded(*FIRST_FAILS, *STUCK_THEN_SETTLED))
    assert settled.row(STORAGE).undo is settled.row(HANDLE).undo is CompensationStatus.UNDONE


def test_every_attempt_is_kept_and_a_new_one_begins_clean():
    first, second = build_timelines(_recorded(*FIRST_FAILS, *STUCK_THEN_SETTLED, *RETRIED_AND_RETAINED))
    assert (first.attempt, first.row(SCHEMA).status, first.row(STORAGE).undo) == (
        1,
        RowStatus.FAILED,
        CompensationStatus.UNDONE,
    )
    assert (second.attempt, second.run_id, second.row(SCHEMA).status) == (2, "run-2", RowStatus.DONE)
    assert (second.row(MARK_ACTIVE).status, second.row(MARK_ACTIVE).message) == (RowStatus.FAILED, "no answer")
    assert {row.undo for row in second.rows} == {CompensationStatus.NO}


def test_an_attempt_that_kept_its_resources_hands_them_on_to_the_next():
    *_, last = build_timelines(_recorded(*WHOLE_LIFE))
    assert last.attempt == 3
    assert {row.activity for row in last.rows if row.undo is CompensationStatus.UNDONE} >= {STORAGE, HANDLE, SCHEMA}


def test_an_eviction_is_reported_in_a_note():
    timeline = _only(_recorded(start(), f.HolderEvicted("the ledger", "tenancy run ti-1 (backend 5, idle)")))
    assert timeline.notes == (
        "tenancy run ti-1 (backend 5, idle) did not let go of the tenant's lock on the ledger; its session was ended",
    )


def test_facts_that_only_inform_leave_the_rows_alone():
    plain = _only(_recorded(start(), begin(VALIDATE)))
    noted = _only(_recorded(start(), begin(VALIDATE), f.Escalated(), f.ActivityRefused(STORAGE, plain.run_id, "no")))
    assert noted == plain


def test_duration_is_measured_from_the_first_try():
    row = ActivityRow(STORAGE, started_at=NOON, ended_at=_after(90))
    assert row.duration(_after(1_000)) == timedelta(seconds=90)
