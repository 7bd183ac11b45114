"""Plays one trial: tenants are started, one is held and attacked, all are left alone until they rest, then judged."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg

from sandbox.access import Access
from tests.chaos import verdict
from tests.chaos.attacks import strike
from tests.chaos.draw import Trial
from tests.chaos.moments import Hold, moment
from tests.chaos.places import Places
from tests.chaos.rest import Rest, Seen
from tests.chaos.scene import Missed, Scene


@dataclass
class Outcome:
    """What came of a trial. It counts when its first attack struck at its moment."""

    trial: Trial
    hits: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    ends: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def counts(self) -> bool:
        return bool(self.hits) and self.hits[0] == self.trial.attacks[0].fault

    def line(self) -> dict[str, Any]:
        """As the tally keeps it."""
        trial = asdict(self.trial)
        trial["attacks"] = [attack.fault for attack in self.trial.attacks]
        results = {name: getattr(self, name) for name in ("hits", "missed", "violations", "ends", "seconds")}
        return {**trial, "counts": self.counts, **results}


def play(
    access: Access, places: Places, trial: Trial, heal: Callable[[], None], mark: str
) -> tuple[Outcome, Scene, Seen]:
    """One trial. `mark` makes the names of its tenants its own."""
    began, outcome, seen = time.monotonic(), Outcome(trial), Seen()
    slugs = [f"{mark}-{number}" for number in range(trial.tenants)]
    scene = Scene(access, places, trial, slugs[0], slugs[1:], heal, trial.chance)
    try:
        _attack(scene, outcome, seen)
    except Missed as missed:
        outcome.missed.append(str(missed))
    scene.await_mended()
    heal()
    outcome.violations += Rest(scene, seen).await_it() or judge(places, slugs, seen)
    outcome.ends = dict(Counter(_end_of(places, slug) for slug in slugs))
    if outcome.counts and ends_well(trial) and outcome.ends.keys() != {"Active"}:
        outcome.violations.append(f"nothing but a refused request happened, and the tenants end as {outcome.ends}")
    outcome.seconds = round(time.monotonic() - began, 1)
    return outcome, scene, seen


def _attack(scene: Scene, outcome: Outcome, seen: Seen) -> None:
    for slug in scene.others:
        scene.create(slug)
    with moment(scene) as hold:
        for attack in scene.trial.attacks:
            held = _is_held(hold)
            outcome.violations += _remember(scene, seen)
            strike(scene, hold, attack)
            if held:
                outcome.hits.append(attack.fault)
            else:
                outcome.missed.append(f"{attack.fault}: made, when the moment was over")
        time.sleep(scene.trial.lingers)


def _is_held(hold: Hold) -> bool:
    try:
        return bool(hold.held())
    except (psycopg.Error, OSError):  # the attack before this one took its server away
        return False


def _remember(scene: Scene, seen: Seen) -> list[str]:
    try:
        return seen.add(verdict.facts(scene.places, scene.slugs))
    except psycopg.Error:
        return []


def ends_well(trial: Trial) -> bool:
    """Were its tenants only asked for once more? That is refused, and a refusal undoes nothing."""
    return trial.phase != "compensation" and {attack.fault for attack in trial.attacks} == {"trigger again"}


def judge(places: Places, slugs: list[str], seen: Seen) -> list[str]:
    """Every tenant, all its facts and their chains."""
    facts = verdict.facts(places, slugs)
    wrong = seen.add(facts)
    for stream in dict.fromkeys(fact["stream"] for fact in facts):
        of_stream = [fact for fact in facts if fact["stream"] == stream]
        wrong += verdict.on_chain(of_stream) + verdict.on_destruction(of_stream)
    for slug in slugs:
        wrong += verdict.on_tenant(places, slug)
    return wrong


def _end_of(places: Places, slug: str) -> str:
    row = verdict.tenant(places, slug)
    return " ".join(filter(None, (row["state"], row["substate"]))) if row else "unknown"
