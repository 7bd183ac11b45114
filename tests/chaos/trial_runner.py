"""Plays one trial: starts tenants, holds and attacks one, waits until all rest, then judges them."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import psycopg

from sandbox.access import Access
from tests.chaos import verdict
from tests.chaos.addresses import AttackAddresses
from tests.chaos.attacks import inject
from tests.chaos.convergence import Convergence, ObservedFacts
from tests.chaos.injection_points import Hold, hold_tenant
from tests.chaos.restore_attacks import remove_reported_orphans
from tests.chaos.trial_context import InjectionMissed, TrialContext
from tests.chaos.trial_generator import Trial


@dataclass
class Outcome:
    """The result of a trial. It counts if its first attack was made at its injection point."""

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
        """As a line of the results file. Its keys are read by later versions: they stay."""
        trial = asdict(self.trial)
        trial["attacks"] = [attack.fault for attack in self.trial.attacks]
        results = {name: getattr(self, name) for name in ("hits", "missed", "violations", "ends", "seconds")}
        return {**trial, "counts": self.counts, **results}


def play(
    access: Access, addresses: AttackAddresses, trial: Trial, heal: Callable[[], None], name_prefix: str
) -> tuple[Outcome, TrialContext, ObservedFacts]:
    """One trial. `name_prefix` keeps the names of its tenants apart from other trials'."""
    began, outcome, observed = time.monotonic(), Outcome(trial), ObservedFacts()
    slugs = [f"{name_prefix}-{number}" for number in range(trial.tenants)]
    context = TrialContext(access, addresses, trial, slugs[0], slugs[1:], heal, trial.rng)
    try:
        _attack(context, outcome, observed)
    except InjectionMissed as missed:
        outcome.missed.append(str(missed))
    context.wait_for_repairs()
    heal()
    observed.forget_after(context.restored)
    outcome.violations += (
        Convergence(context, observed).wait() or _judge_restored(context) or judge(addresses, slugs, observed)
    )
    outcome.ends = dict(Counter(_end_of(addresses, slug) for slug in slugs))
    if outcome.counts and only_refused(trial) and outcome.ends.keys() != {"Active"}:
        outcome.violations.append(f"nothing but a refused request happened, and the tenants end as {outcome.ends}")
    outcome.seconds = round(time.monotonic() - began, 1)
    return outcome, context, observed


def _judge_restored(context: TrialContext) -> list[str]:
    """After a restore: nobody lost what they had, and the drift check names what the ledger has forgotten."""
    if not context.restored:
        return []
    lost = [
        f"{slug} was Active before the restore, and was undone although no person asked for it"
        for slug in sorted(context.active_before)
        if _end_of(context.addresses, slug) != "Active"
        and not verdict.was_asked_for(verdict.facts(context.addresses, [slug]), context.restored)
    ]
    return lost + remove_reported_orphans(context)


def _attack(context: TrialContext, outcome: Outcome, observed: ObservedFacts) -> None:
    for slug in context.others:
        context.create(slug)
    with hold_tenant(context) as hold:
        for attack in context.trial.attacks:
            is_held = _is_held(hold)
            outcome.violations += _remember(context, observed)
            inject(context, hold, attack)
            if is_held:
                outcome.hits.append(attack.fault)
            else:
                outcome.missed.append(f"{attack.fault}: made after the injection point")
        time.sleep(context.trial.lingers)


def _is_held(hold: Hold) -> bool:
    try:
        return bool(hold.is_held())
    except (psycopg.Error, OSError):  # the attack before this one killed its server
        return False


def _remember(context: TrialContext, observed: ObservedFacts) -> list[str]:
    try:
        facts = verdict.facts(context.addresses, context.slugs)
        observed.forget_after(context.restored)
        return observed.add(facts)
    except psycopg.Error:
        return []


def only_refused(trial: Trial) -> bool:
    """Did the attacks only repeat a request? That is refused, and a refusal undoes nothing."""
    return trial.phase != "compensation" and {attack.fault for attack in trial.attacks} == {"trigger again"}


def judge(addresses: AttackAddresses, slugs: list[str], observed: ObservedFacts) -> list[str]:
    """Judge every tenant, all its facts and their hash chains."""
    facts = verdict.facts(addresses, slugs)
    violations = observed.add(facts)
    for stream in dict.fromkeys(fact["stream"] for fact in facts):
        of_stream = [fact for fact in facts if fact["stream"] == stream]
        violations += verdict.check_hash_chain(of_stream) + verdict.check_releases(of_stream)
    for slug in slugs:
        violations += verdict.check_tenant(addresses, slug)
    return violations


def _end_of(addresses: AttackAddresses, slug: str) -> str:
    row = verdict.tenant(addresses, slug)
    return " ".join(filter(None, (row["state"], row["substate"]))) if row else "unknown"
