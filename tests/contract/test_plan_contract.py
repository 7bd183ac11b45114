"""The guarantees of docs/architecture.md, "How it stays correct", for every activity of PLAN and for new ones."""

import pytest

from tenancy.activities.activity import Activity
from tenancy.activities.registry import activity_of, maker_of_kind
from tenancy.saga.errors import ForeignObjectError, StaleLease, TransientError
from tenancy.saga.names import CONNECTION_LIMIT, HELM_LIMIT, POSTGRES_LIMIT, is_slug
from tests.contract.resource_damage import DAMAGE, FOREIGN, is_foreign_together, put_foreign_object
from tests.contract.workbench import Workbench, goes_with_another
from tests.products import PLAN

KINDS = [kind for activity in PLAN for kind in activity.resources]
MAKERS = [activity for activity in PLAN if activity.resources]
APART = [a for a in PLAN if not goes_with_another(a)]
each_activity = pytest.mark.parametrize("activity", PLAN, ids=lambda activity: activity.name)
each_apart = pytest.mark.parametrize("activity", APART, ids=lambda activity: activity.name)
"""Those whose resources are released by themselves, not with another activity's."""
each_maker = pytest.mark.parametrize("activity", MAKERS, ids=lambda activity: activity.name)
each_within = pytest.mark.parametrize(
    "activity", [a for a in PLAN if goes_with_another(a)], ids=lambda activity: activity.name
)
each_kind = pytest.mark.parametrize("kind", KINDS)
each_damaged_kind = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind in DAMAGE])


def test_every_kind_of_resource_is_made_by_one_activity():
    assert len(KINDS) == len(set(KINDS))
    assert set(FOREIGN) <= set(KINDS)
    assert set(DAMAGE) <= set(KINDS)


def test_names_and_labels_distinguish_activities():
    assert len({activity.name for activity in PLAN}) == len({activity.label for activity in PLAN}) == len(PLAN)
    assert all(activity_of(activity.name) is activity for activity in PLAN)


@each_activity
def test_it_intends_exactly_the_kinds_it_makes_and_carries_the_proof(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    intents = activity.intents(bench.context)
    assert tuple(intent.kind for intent in intents) == activity.resources
    assert {intent.proof for intent in intents} <= {bench.context.proof}


@each_activity
def test_running_it_twice_is_running_it_once(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    bench.run(activity)
    once = bench.snapshot()
    bench.run(activity)
    assert bench.snapshot() == once


@each_apart
def test_undoing_what_was_never_made_changes_nothing(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    before = bench.snapshot()
    bench.undo(activity)
    assert bench.snapshot() == before


@each_apart
def test_undoing_it_leaves_nothing_and_may_be_repeated(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    before = bench.snapshot()
    bench.run(activity)
    bench.undo(activity)
    assert bench.snapshot() == before
    bench.undo(activity)
    assert bench.snapshot() == before


@each_within
def test_what_is_inside_another_activitys_resource_goes_with_that_and_not_before(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    bench.run(activity)
    before = bench.snapshot()
    for resource in bench.own(activity):
        with pytest.raises(TransientError, match=f"goes with its .*{resource.name}"):
            activity.compensate(bench.context, resource)
    assert bench.snapshot() == before
    bench.undo_all()
    for resource in bench.own(activity):
        activity.compensate(bench.context, resource)
    assert not any(observation.present for observation in bench.context.observe_all())


@each_maker
def test_it_can_be_made_again_after_it_was_undone(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    bench.run(activity)
    bench.undo_all()
    for each in PLAN[: PLAN.index(activity) + 1]:
        bench.run(each)
    assert all(observation.healthy for observation in activity.observe(bench.context))


@each_activity
def test_it_finds_exactly_what_it_made(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    assert bench.found(activity) == set()
    bench.run(activity)
    intended = {(r.kind, r.name, r.proof) for r in bench.own(activity)}
    assert {(found.kind, found.name, found.proof) for found in bench.found(activity)} == intended


@each_maker
def test_it_finds_only_its_own_platforms_objects_on_a_shared_server(bench: Workbench, activity: Activity):
    other = bench.of_other_platform()
    for each in (bench, other):
        each.prepare(activity)
        each.run(activity)
    ours, theirs = bench.found(activity), other.found(activity)
    assert len(ours) == len(theirs) == len(activity.resources)
    assert not ours & theirs


@each_activity
def test_it_reports_what_is_absent_and_why(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    observations = activity.observe(bench.context)
    assert [(o.kind, o.name) for o in observations] == [(r.kind, r.name) for r in reversed(bench.own(activity))]
    assert not any(o.present or o.healthy for o in observations)
    assert all(o.name in o.why for o in observations)


@each_activity
def test_it_reports_its_own_objects_as_present_and_healthy(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    bench.run(activity)
    snapshot = bench.snapshot()
    observations = activity.observe(bench.context)
    assert all(o.present and o.healthy and not o.why for o in observations)
    assert bench.snapshot() == snapshot


@each_maker
def test_explaining_changes_nothing(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    before = bench.snapshot()
    activity.explain(bench.context)
    assert bench.snapshot() == before


@each_maker
def test_it_identifies_the_system_in_which_it_was_located(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    region = bench.context.region if activity.regional else None
    found = activity.identify(bench.clients, region)
    assert found
    assert {resource.system for resource in bench.own(activity)} == {found}


@each_damaged_kind
def test_it_reports_damage_and_running_it_again_repairs_it(bench: Workbench, kind: str):
    activity = maker_of_kind(kind)
    bench.prepare(activity)
    bench.run(activity)
    DAMAGE[kind](bench, next(r for r in bench.saga.resources if r.kind == kind))
    observation = next(o for o in activity.observe(bench.context) if o.kind == kind)
    assert (observation.present, observation.healthy) == (True, False)
    assert observation.why
    bench.run(activity)
    assert all(o.healthy for o in activity.observe(bench.context))


@each_damaged_kind
def test_what_is_damaged_is_found_and_undone_all_the_same(bench: Workbench, kind: str):
    activity = maker_of_kind(kind)
    bench.prepare(activity)
    before = bench.snapshot()
    bench.run(activity)
    DAMAGE[kind](bench, next(r for r in bench.saga.resources if r.kind == kind))
    for each in PLAN:  # another activity may have to look inside what is damaged
        each.discover(bench.clients, bench.platform)
    if goes_with_another(activity):
        bench.undo_all()
        assert not any(observation.present for observation in bench.context.observe_all())
        return
    bench.undo(activity)
    assert bench.snapshot() == before


@each_kind
def test_a_foreign_object_of_our_name_is_refused_and_stays_as_it_is(bench: Workbench, kind: str):
    activity = maker_of_kind(kind)
    bench.prepare(activity)
    resource = next(r for r in bench.saga.resources if r.kind == kind)
    put_foreign_object(bench, resource)
    before = bench.snapshot()
    with pytest.raises(ForeignObjectError, match="not ours") as refused:
        bench.run(activity)
    assert resource.name in str(refused.value)
    # What is inside another resource is left to that one.
    with pytest.raises(TransientError if goes_with_another(activity) else ForeignObjectError):
        activity.compensate(bench.context, resource)
    for other in bench.own(activity):
        if not is_foreign_together(kind, other.kind) and other != resource:
            activity.compensate(bench.context, other)
    assert bench.snapshot() == before


@each_kind
def test_a_foreign_object_is_never_called_healthy(bench: Workbench, kind: str):
    activity = maker_of_kind(kind)
    bench.prepare(activity)
    resource = next(r for r in bench.saga.resources if r.kind == kind)
    put_foreign_object(bench, resource)
    observation = next(o for o in activity.observe(bench.context) if o.kind == kind)
    assert (observation.present, observation.healthy) == (True, False)


@each_maker
def test_an_overtaken_run_makes_nothing(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    before = bench.snapshot()
    bench.fence = _overtaken
    with pytest.raises(StaleLease):
        bench.run(activity)
    assert bench.snapshot() == before


@each_maker
def test_an_overtaken_compensation_undoes_nothing(bench: Workbench, activity: Activity):
    bench.prepare(activity)
    bench.run(activity)
    before = bench.snapshot()
    bench.fence = _overtaken
    for resource in bench.own(activity):
        with pytest.raises(StaleLease):
            activity.compensate(bench.context, resource)
    assert bench.snapshot() == before


def _overtaken() -> None:
    raise StaleLease("overtaken")


@pytest.mark.parametrize("slug", ["a" * 40, "a" + "-b" * 19 + "c", "x23"])
def test_the_longest_slug_fits_every_systems_limit_and_two_never_collide(bench: Workbench, slug: str):
    assert is_slug(slug)
    names = []
    for _ in range(2):
        bench.request(slug)
        names += [intent.name for activity in PLAN for intent in activity.intents(bench.context)]
    assert max(len(name) for name in names) <= min(POSTGRES_LIMIT, CONNECTION_LIMIT, HELM_LIMIT)
    half = len(names) // 2
    assert not set(names[:half]) & set(names[half:])
