"""Generates a trial from its seed alone: the number of tenants, the injection point and the faults. Pure.

There are four decks. A trial of the deck `systems` begins with an outside system that answers wrongly or not
at all; its second fault, if any, comes from either deck. In each trial of the deck `restores` the ledger is restored
from a backup that was made at the injection point. The deck `products` has the faults of the deck `parts`, and goes
through the activities of three products.

Consecutive seeds go through every existing pair of fault and phase in a shuffled order; the rest is random. With Celery
there are more parts to kill, and a seed generates another trial than with LocalExecutor.
"""

import random
from dataclasses import dataclass, replace
from functools import cache

from tests.chaos.trial_products import PIVOT, PRODUCTS, SAMPLE, TrialProduct

ACTIVITIES = SAMPLE.activities
RESOURCE_ACTIVITIES = tuple(SAMPLE.resources)
"""Those that make something, and so have something to undo."""
PHASES = {
    "before": ACTIVITIES,
    "during": tuple(each for each in ACTIVITIES if each != "wait_for_workloads_ready"),
    "after": ACTIVITIES,
    "compensation": RESOURCE_ACTIVITIES,
    "flip": ("mark_active",),
    "deferred": ("wait_for_workloads_ready",),
    "between": ACTIVITIES[:-1],
}
"""The phases, each with the activities that have it. `between`: this activity's task is over, the next not begun."""
PARTS = ("scheduler", "dag-processor", "triggerer", "api-server", "postgres-platform", "postgres-storage", "cluster")
CELERY_PARTS = ("worker", "redis")
"""Besides, with Celery. Of workers and schedulers there are two each: one of them is struck."""
CELERY_TURNS = 4
"""How often a lap with Celery comes by each pair that only Celery has."""

_ALL = tuple(PHASES)
_WITH_A_PROCESS = ("before", "during", "after", "compensation", "flip")
FAULTS = {
    "kill task": _WITH_A_PROCESS,
    "kill supervisor": _WITH_A_PROCESS,
    **{f"kill {part}": _ALL for part in PARTS},
    "stop task": _WITH_A_PROCESS,
    "stop part": _ALL,
    "cut ledger": _ALL,
    "cut storage": _ALL,
    "cut cluster": _ALL,
    "raise": _WITH_A_PROCESS,
    "cancel by API": _ALL,
    "cancel by PATCH on run": _ALL,
    "PATCH task failed": _ALL,
    "cancel twice at once": _ALL,
    "cancel, reset, retry": _ALL,
    "clear a subset": _ALL,
    "trigger again": _ALL,
    "delete the run": _ALL,
    "compensation fails": ("compensation",),
    "compensation hangs": ("compensation",),
    "compensation is killed": ("compensation",),
}
"""The faults, each with the phases it can strike in: what kills or stops a task needs one that runs."""
CELERY_FAULTS = {f"kill {part}": _ALL for part in CELERY_PARTS}
WRONG_SYSTEM_FAULTS = ("another cluster answers", "another storage answers")
"""An address leads to another system. Only one tenant is played: others would be made over there."""
_MADE = ("compensation", "flip", "deferred")
SYSTEMS_FAULTS = {
    "cluster answers 404": _ALL,
    "cluster answers a login page": _ALL,
    "cluster takes no writes": _ALL,
    "cluster is silent": _ALL,
    "storage takes no writes": _ALL,
    "storage is silent": _ALL,
    "scaled to zero": ("flip", "deferred"),
    "worker is older than the ledger": _WITH_A_PROCESS,
    **dict.fromkeys(WRONG_SYSTEM_FAULTS, _MADE),
}
"""The faults of the deck `systems`, each with the phases it can strike in."""
SYSTEMS_PAIRS = tuple((fault, phase) for fault, phases in SYSTEMS_FAULTS.items() for phase in phases)
RESTORE_FAULT = "ledger is restored"
RESTORE_PLACES = tuple(
    (activity, phase)
    for phase, activities in PHASES.items()
    for activity in activities
    if (activity, phase) not in {("validate_request", "before"), ("validate_request", "during")}
)
"""Where the backup is made: everywhere that the ledger knows the tenant."""
TEN_MINUTES = 600.0
_LONG = {("cluster is silent", "deferred"), ("storage is silent", "compensation")}
"""Of these pairs every second trial lasts ten minutes."""
_NEEDS_A_TENANT = {"cancel by API", "cancel twice at once", "cancel, reset, retry"}
PAIRS = tuple((fault, phase) for fault, phases in FAULTS.items() for phase in phases)
CELERY_PAIRS = tuple((fault, phase) for fault, phases in CELERY_FAULTS.items() for phase in phases)


@dataclass(frozen=True)
class Attack:
    """One fault, `after` seconds after the attack before it. What needs a repair is repaired `lasts` seconds later."""

    fault: str
    after: float
    lasts: float


@dataclass(frozen=True)
class Trial:
    """One trial. The tenant is held for `lingers` seconds more after the attacks.

    `rng` decides what is chosen while it runs, such as which tasks are cleared.
    """

    seed: int
    tenants: int
    phase: str
    activity: str
    attacks: tuple[Attack, ...]
    lingers: float = 0.0
    product: str = SAMPLE.name

    @property
    def rng(self) -> random.Random:
        return random.Random(f"on the way of {self.seed}")

    def __str__(self) -> str:
        faults = " + ".join(attack.fault for attack in self.attacks)
        of = "" if self.product == SAMPLE.name else f" of {self.product}"
        return f"seed {self.seed}: {self.tenants} tenants{of}, {self.phase} {self.activity}: {faults}"


def generate_trial(seed: int, *, celery: bool = False) -> Trial:
    """The trial of this seed, always the same."""
    rng = random.Random(f"chaos {seed}")
    fault, phase = _pair(seed, PAIRS + CELERY_PAIRS * CELERY_TURNS if celery else PAIRS)
    faults = [fault]
    if rng.random() < 0.5:
        possible = {**FAULTS, **CELERY_FAULTS} if celery else FAULTS
        others = [each for each, phases in possible.items() if phase in phases and each != fault]
        faults.append(rng.choice(others))
    tenants, activities = rng.randint(1, 5), [each for each in PHASES[phase] if _is_possible(faults, phase, each)]
    return Trial(
        seed=seed,
        tenants=tenants,
        phase=phase,
        activity=rng.choice(activities),
        attacks=tuple(_attack(each, rng) for each in faults),
        lingers=round(rng.uniform(0, 12), 1) if rng.random() < 0.3 else 0.0,
    )


def _is_possible(faults: list[str], phase: str, activity: str) -> bool:
    """During Validate request no other session sees the tenant, so nobody can cancel it."""
    return (phase, activity) != ("during", "validate_request") or not _NEEDS_A_TENANT.intersection(faults)


def _attack(fault: str, rng: random.Random) -> Attack:
    longest = 20.0 if fault.startswith(("kill", "stop")) else 8.0
    return Attack(fault, after=round(rng.uniform(0, 1), 2), lasts=round(rng.uniform(0, longest), 1))


def _pair(seed: int, existing: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    lap, place = divmod(seed, len(existing))
    return _shuffled_pairs(lap, existing)[place]


@cache
def _shuffled_pairs(lap: int, existing: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    pairs = list(existing)
    random.Random(f"lap {lap}").shuffle(pairs)
    return pairs


def generate_systems_trial(seed: int) -> Trial:
    """The trial of this seed in the deck `systems`, always the same."""
    rng = random.Random(f"chaos of systems {seed}")
    fault, phase = _pair(seed, SYSTEMS_PAIRS)
    faults = [fault]
    if rng.random() < 0.5:
        others = [each for each, phases in {**FAULTS, **SYSTEMS_FAULTS}.items() if phase in phases and each != fault]
        faults.append(rng.choice(others))
    tenants = 1 if set(WRONG_SYSTEM_FAULTS).intersection(faults) else rng.randint(1, 5)
    activities = [each for each in PHASES[phase] if _is_possible(faults, phase, each)]
    first, *rest = (_attack(each, rng) for each in faults)
    if (fault, phase) in _LONG and rng.random() < 0.5:
        first = replace(first, lasts=TEN_MINUTES)
    return Trial(seed, tenants, phase, rng.choice(activities), (first, *rest))


def generate_restores_trial(seed: int) -> Trial:
    """The trial of this seed in the deck `restores`, always the same. Consecutive seeds go through all places."""
    rng = random.Random(f"chaos of restores {seed}")
    activity, phase = _pair(seed, RESTORE_PLACES)
    restored = Attack(RESTORE_FAULT, after=round(rng.uniform(0, 1), 2), lasts=round(rng.uniform(0, 40), 1))
    attacks = [restored]
    if rng.random() < 0.5:
        attacks.append(_attack(rng.choice([each for each, phases in FAULTS.items() if phase in phases]), rng))
    return Trial(seed, rng.randint(1, 5), phase, activity, tuple(attacks))


_OF_KNOWN_RESOURCES = frozenset({"compensation fails", "compensation hangs"})
"""Each resource has its own way to refuse, and these faults know those of the sample only."""


def phases_of(product: TrialProduct) -> dict[str, tuple[str, ...]]:
    """The phases of any product, each with the activities that have it. `during` knows the sample's statements only."""
    return {
        "before": product.activities,
        "after": product.activities,
        "compensation": tuple(product.resources),
        "flip": ("mark_active",),
        "deferred": (PIVOT,),
        "between": product.activities[:-1],
    }


def _places_of_products() -> tuple[tuple[str, str], ...]:
    """Every product with every place in it, as "phase activity"."""
    return tuple(
        (product.name, f"{phase} {activity}")
        for product in PRODUCTS.values()
        for phase, activities in phases_of(product).items()
        for activity in activities
    )


def generate_products_trial(seed: int) -> Trial:
    """The trial of this seed in the deck `products`, always the same.

    Consecutive seeds go through all places. In the phase `before` the tenant is cancelled in this activity.
    """
    rng = random.Random(f"chaos of products {seed}")
    product, place = _pair(seed, PLACES_OF_PRODUCTS)
    phase, activity = place.split()
    possible = [each for each, phases in FAULTS.items() if phase in phases and each not in _OF_KNOWN_RESOURCES]
    first = "cancel by API" if phase == "before" else rng.choice(possible)
    others = [each for each in possible if each != first]
    faults = [first, *rng.sample(others, rng.randint(0, 1))]
    return Trial(
        seed=seed,
        tenants=rng.randint(1, 3),
        phase=phase,
        activity=activity,
        attacks=tuple(_attack(each, rng) for each in faults),
        product=product,
    )


PLACES_OF_PRODUCTS = _places_of_products()
