"""Twelve fixed trials of the campaign: eight whose attacks concern one tenant, side by side, and four that concern all.

They run on the sandbox of the acceptance tests. Unlike a campaign they do not check again a minute later.
"""

import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from sandbox.access import Access
from tests.chaos import campaign
from tests.chaos.addresses import AttackAddresses
from tests.chaos.healing import healer
from tests.chaos.trial_generator import Attack, Trial
from tests.chaos.trial_runner import Outcome, play

_AT_ONCE = 4
# The first of them waits for eight, and perhaps for the sandbox.
pytestmark = pytest.mark.timeout(600)

ON_ONE = (
    ("before", "allocate_storage", "kill task"),
    ("after", "allocate_workflow_handle", "raise"),
    ("during", "apply_tenant_schema", "cancel by API"),
    ("during", "deploy_workloads", "kill supervisor"),
    ("compensation", "deploy_workloads", "compensation fails"),
    ("deferred", "wait_for_workloads_ready", "clear a subset"),
    ("before", "mark_active", "cancel, reset, retry"),
    ("flip", "mark_active", "stop task"),
)
ON_ALL = (
    ("during", "allocate_storage", "kill postgres-storage", "cancel by PATCH on run"),
    ("after", "deploy_workloads", "cut ledger", "trigger again"),
    ("between", "apply_tenant_schema", "kill dag-processor", "delete the run"),
    ("deferred", "wait_for_workloads_ready", "kill triggerer", "kill cluster"),
)
Player = Callable[[Trial], Outcome]


def _trial(number: int, phase: str, activity: str, *faults: str) -> Trial:
    attacks = tuple(Attack(fault, after=0.1, lasts=2.0) for fault in faults)
    return Trial(seed=number, tenants=1, phase=phase, activity=activity, attacks=attacks)


@pytest.fixture(scope="module")
def player(sandbox: Access, sandbox_up: Callable[[], None]) -> Player:
    addresses: AttackAddresses = campaign.addresses_of(sandbox)
    campaign.reset_sandbox(addresses)
    heal = healer(sandbox_up)

    def play_one(trial: Trial) -> Outcome:
        outcome, context, _ = play(sandbox, addresses, trial, heal, f"twelve-{uuid.uuid4().hex[:6]}")
        if outcome.violations:
            campaign.save_evidence(outcome, context.slugs, addresses, sandbox.layout)
        return outcome

    return play_one


@pytest.fixture(scope="module")
def on_one(player: Player) -> dict[tuple[str, ...], "Future[Outcome]"]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return {case: pool.submit(player, _trial(number, *case)) for number, case in enumerate(ON_ONE)}


@pytest.mark.parametrize("case", ON_ONE, ids=" ".join)
def test_a_tenant_that_is_attacked_ends_active_or_with_nothing_left(
    on_one: dict[tuple[str, ...], "Future[Outcome]"], case: tuple[str, ...]
):
    _is_a_proof(on_one[case].result())


@pytest.mark.parametrize("case", ON_ALL, ids=" ".join)
def test_a_platform_that_is_attacked_leaves_its_tenants_active_or_with_nothing_left(
    player: Player, case: tuple[str, ...]
):
    _is_a_proof(player(_trial(len(ON_ONE) + ON_ALL.index(case), *case)))


def _is_a_proof(outcome: Outcome) -> None:
    assert outcome.violations == [], f"{outcome.trial}; see {campaign.VIOLATIONS}/{outcome.trial.seed}"
    assert outcome.counts, f"{outcome.trial} missed: {outcome.missed}"
