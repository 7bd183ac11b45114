"""A trial is a function of its seed, and the seeds reach everything that exists."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.saga.states import ActivityKind
from tests.chaos import results, trial_generator
from tests.chaos.__main__ import RESULTS
from tests.chaos.product_systems import FOLDERS
from tests.chaos.trial_products import PRODUCTS
from tests.products import PLAN

SEEDS = st.integers(min_value=0, max_value=10**9)


@given(SEEDS)
def test_the_same_seed_draws_the_same_trial(seed: int):
    assert trial_generator.generate_trial(seed) == trial_generator.generate_trial(seed)


@given(SEEDS)
def test_every_attack_can_strike_where_it_is_to_strike(seed: int):
    trial = trial_generator.generate_trial(seed)
    assert trial.activity in trial_generator.PHASES[trial.phase]
    assert all(trial.phase in trial_generator.FAULTS[attack.fault] for attack in trial.attacks)
    assert 1 <= trial.tenants <= 5
    assert 1 <= len(trial.attacks) <= 2
    assert all(0 <= attack.lasts <= 20 for attack in trial.attacks)


@given(SEEDS)
def test_a_lap_of_seeds_has_every_pair_of_fault_and_phase(start: int):
    first = start - start % len(trial_generator.PAIRS)
    trials = [trial_generator.generate_trial(first + place) for place in range(len(trial_generator.PAIRS))]
    assert {(trial.attacks[0].fault, trial.phase) for trial in trials} == set(trial_generator.PAIRS)


def test_every_pair_of_activity_and_phase_can_be_drawn():
    expected = {(activity, phase) for phase, activities in trial_generator.PHASES.items() for activity in activities}
    assert {(trial.activity, trial.phase) for trial in map(trial_generator.generate_trial, range(2000))} == expected


def test_the_draw_knows_the_plan():
    assert tuple(activity.name for activity in PLAN) == trial_generator.ACTIVITIES
    assert (
        tuple(each.name for each in PLAN if each.kind is ActivityKind.COMPENSATABLE)
        == trial_generator.RESOURCE_ACTIVITIES
    )


@given(SEEDS)
def test_with_celery_a_seed_draws_the_same_trial_too_and_its_parts_are_struck(start: int):
    length = len(trial_generator.PAIRS) + trial_generator.CELERY_TURNS * len(trial_generator.CELERY_PAIRS)
    first = start - start % length
    trials = [trial_generator.generate_trial(first + place, celery=True) for place in range(length)]
    assert {(each.attacks[0].fault, each.phase) for each in trials} == {
        *trial_generator.PAIRS,
        *trial_generator.CELERY_PAIRS,
    }
    assert trial_generator.generate_trial(start, celery=True) == trial_generator.generate_trial(start, celery=True)


def test_recorded_seeds_still_draw_what_was_played():
    for line in results.read(RESULTS):
        trial = trial_generator.generate_trial(line["seed"])
        drawn = (trial.tenants, trial.phase, trial.activity, [each.fault for each in trial.attacks], trial.lingers)
        assert drawn == (line["tenants"], line["phase"], line["activity"], line["attacks"], line["lingers"])


@given(SEEDS)
def test_a_lap_of_the_deck_of_systems_has_every_pair_and_plays_what_leads_elsewhere_alone(start: int):
    first = start - start % len(trial_generator.SYSTEMS_PAIRS)
    trials = [
        trial_generator.generate_systems_trial(first + place) for place in range(len(trial_generator.SYSTEMS_PAIRS))
    ]
    assert {(trial.attacks[0].fault, trial.phase) for trial in trials} == set(trial_generator.SYSTEMS_PAIRS)
    assert trial_generator.generate_systems_trial(start) == trial_generator.generate_systems_trial(start)
    for trial in trials:
        faults = {attack.fault for attack in trial.attacks}
        assert all(
            trial.phase in {**trial_generator.FAULTS, **trial_generator.SYSTEMS_FAULTS}[fault] for fault in faults
        )
        assert trial.tenants == 1 or not faults.intersection(trial_generator.WRONG_SYSTEM_FAULTS)


def test_some_systems_are_silent_for_ten_minutes():
    trials = map(trial_generator.generate_systems_trial, range(10 * len(trial_generator.SYSTEMS_PAIRS)))
    assert {t.attacks[0].fault for t in trials if t.attacks[0].lasts == trial_generator.TEN_MINUTES} == {
        "cluster is silent", "storage is silent",
    }  # fmt: skip


@given(SEEDS)
def test_a_lap_of_the_deck_of_restores_makes_its_backup_at_every_place_that_the_ledger_knows(start: int):
    first = start - start % len(trial_generator.RESTORE_PLACES)
    trials = [
        trial_generator.generate_restores_trial(first + place) for place in range(len(trial_generator.RESTORE_PLACES))
    ]
    assert {(trial.activity, trial.phase) for trial in trials} == set(trial_generator.RESTORE_PLACES)
    assert trial_generator.generate_restores_trial(start) == trial_generator.generate_restores_trial(start)
    for trial in trials:
        restored, *others = trial.attacks
        assert (restored.fault, restored.lasts <= 40) == (trial_generator.RESTORE_FAULT, True)
        assert all(trial.phase in trial_generator.FAULTS[each.fault] for each in others)


@given(SEEDS)
def test_a_lap_of_the_deck_of_products_has_every_place_and_cancels_each_product_in_every_activity(start: int):
    places = trial_generator.PLACES_OF_PRODUCTS
    first = start - start % len(places)
    trials = [trial_generator.generate_products_trial(first + number) for number in range(len(places))]
    assert {(trial.product, f"{trial.phase} {trial.activity}") for trial in trials} == set(places)
    assert trial_generator.generate_products_trial(start) == trial_generator.generate_products_trial(start)
    cancelled = {(each.product, each.activity) for each in trials if each.attacks[0].fault == "cancel by API"}
    assert cancelled >= {(each.name, activity) for each in PRODUCTS.values() for activity in each.activities}
    for trial in trials:
        assert all(trial.phase in trial_generator.FAULTS[attack.fault] for attack in trial.attacks)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_draw_knows_the_products(folder: Path):
    document = tomllib.loads((folder / "product.toml").read_text())
    product = PRODUCTS[folder.name]
    assert tuple(document["activities"]) == product.activities
    assert set(product.resources) < set(product.activities)
    for name, table in document.get("container_activities", {}).items():
        assert product.resources[name] == (table["resource"],)
