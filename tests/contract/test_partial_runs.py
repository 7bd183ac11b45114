"""A run that dies after any of its outside statements: it can be undone wholly, or be run again to its end."""

import itertools

import pytest

from tenancy.activities.activity import Activity
from tests.contract.workbench import Workbench, goes_with_another
from tests.products import PLAN

each_activity = pytest.mark.parametrize("activity", PLAN, ids=lambda activity: activity.name)
each_apart = pytest.mark.parametrize(
    "activity", [a for a in PLAN if not goes_with_another(a)], ids=lambda activity: activity.name
)
MOST_STATEMENTS = 200
LATER_AND_LATER = range(1, MOST_STATEMENTS + 1)


@each_apart
def test_undoing_after_a_run_that_died_anywhere_leaves_nothing(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    before = bench.snapshot()
    for after in LATER_AND_LATER:
        died = bench.run_cut(activity, after=after)
        bench.undo(activity)
        assert bench.snapshot() == before, f"dying after statement {after}"
        if not died:
            return
    pytest.fail("the run never ended")


def test_undoing_everything_after_a_run_that_died_anywhere_leaves_nothing(bench: Workbench):
    """Also what is inside another activity's resource, and goes with that."""
    before = bench.snapshot()
    for activity in [a for a in PLAN if goes_with_another(a)]:
        for after in LATER_AND_LATER:
            bench.request()
            bench.prepare(activity)
            died = bench.run_cut(activity, after=after)
            bench.undo_all()
            assert all(bench.snapshot()[what] == objects for what, objects in before.items()), (
                f"after statement {after}"
            )
            if not died:
                break


@each_activity
def test_a_run_that_keeps_dying_a_little_later_each_time_ends_complete(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    deaths = sum(1 for _ in itertools.takewhile(lambda after: bench.run_cut(activity, after=after), LATER_AND_LATER))
    assert deaths < MOST_STATEMENTS
    assert all(o.healthy for o in activity.observe(bench.context))


@each_apart
def test_unwinding_that_dies_a_little_later_each_time_leaves_nothing(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    before = bench.snapshot()
    bench.run(activity)
    deaths = sum(1 for _ in itertools.takewhile(lambda after: bench.undo_cut(activity, after=after), LATER_AND_LATER))
    assert deaths < MOST_STATEMENTS
    assert bench.snapshot() == before
