"""The draw is a function of the seed, and reaches everything that exists."""

from hypothesis import given
from hypothesis import strategies as st

from tenancy.activities.plan import PLAN
from tenancy.saga.states import Kind
from tests.chaos import draw, tally
from tests.chaos.__main__ import RESULTS

SEEDS = st.integers(min_value=0, max_value=10**9)


@given(SEEDS)
def test_the_same_seed_draws_the_same_trial(seed: int):
    assert draw.trial_of(seed) == draw.trial_of(seed)


@given(SEEDS)
def test_every_attack_can_strike_where_it_is_to_strike(seed: int):
    trial = draw.trial_of(seed)
    assert trial.activity in draw.PHASES[trial.phase]
    assert all(trial.phase in draw.FAULTS[attack.fault] for attack in trial.attacks)
    assert 1 <= trial.tenants <= 5
    assert 1 <= len(trial.attacks) <= 2
    assert all(0 <= attack.lasts <= 20 for attack in trial.attacks)


@given(SEEDS)
def test_a_lap_of_seeds_has_every_pair_of_fault_and_phase(start: int):
    first = start - start % len(draw.PAIRS)
    trials = [draw.trial_of(first + place) for place in range(len(draw.PAIRS))]
    assert {(trial.attacks[0].fault, trial.phase) for trial in trials} == set(draw.PAIRS)


def test_every_pair_of_activity_and_phase_can_be_drawn():
    wanted = {(activity, phase) for phase, activities in draw.PHASES.items() for activity in activities}
    assert {(trial.activity, trial.phase) for trial in map(draw.trial_of, range(2000))} == wanted


def test_the_draw_knows_the_plan():
    assert tuple(activity.name for activity in PLAN) == draw.ACTIVITIES
    assert tuple(each.name for each in PLAN if each.kind is Kind.COMPENSATABLE) == draw.MAKERS


@given(SEEDS)
def test_with_celery_a_seed_draws_the_same_trial_too_and_its_parts_are_struck(start: int):
    length = len(draw.PAIRS) + draw.CELERYS_TURNS * len(draw.CELERYS_PAIRS)
    first = start - start % length
    trials = [draw.trial_of(first + place, celery=True) for place in range(length)]
    assert {(each.attacks[0].fault, each.phase) for each in trials} == {*draw.PAIRS, *draw.CELERYS_PAIRS}
    assert draw.trial_of(start, celery=True) == draw.trial_of(start, celery=True)


def test_recorded_seeds_still_draw_what_was_played():
    for line in tally.read(RESULTS):
        trial = draw.trial_of(line["seed"])
        drawn = (trial.tenants, trial.phase, trial.activity, [each.fault for each in trial.attacks], trial.lingers)
        assert drawn == (line["tenants"], line["phase"], line["activity"], line["attacks"], line["lingers"])


@given(SEEDS)
def test_a_lap_of_the_deck_of_systems_has_every_pair_and_plays_what_leads_elsewhere_alone(start: int):
    first = start - start % len(draw.SYSTEMS_PAIRS)
    trials = [draw.systems_trial_of(first + place) for place in range(len(draw.SYSTEMS_PAIRS))]
    assert {(trial.attacks[0].fault, trial.phase) for trial in trials} == set(draw.SYSTEMS_PAIRS)
    assert draw.systems_trial_of(start) == draw.systems_trial_of(start)
    for trial in trials:
        faults = {attack.fault for attack in trial.attacks}
        assert all(trial.phase in {**draw.FAULTS, **draw.SYSTEMS_FAULTS}[fault] for fault in faults)
        assert trial.tenants == 1 or not faults.intersection(draw.ELSEWHERE)


def test_some_systems_are_silent_for_ten_minutes():
    trials = map(draw.systems_trial_of, range(10 * len(draw.SYSTEMS_PAIRS)))
    assert {t.attacks[0].fault for t in trials if t.attacks[0].lasts == draw.TEN_MINUTES} == {
        "cluster is silent", "storage is silent",
    }  # fmt: skip
