"""The verdict recomputes the chain by itself, and the tally counts: what the campaign says must be able to fail."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tenancy.ledger.envelope import Envelope, Stamp, data_of, seal
from tenancy.ledger.ledger import utc_now
from tenancy.saga.facts import ActivityCompleted
from tenancy.saga.names import ActivityName, TenantId
from tests.chaos import results, trial_generator, verdict
from tests.chaos.convergence import ObservedFacts


def _as_row(envelope: Envelope) -> dict[str, Any]:
    stamp = vars(envelope.stamp)
    same = {name: getattr(envelope, name) for name in ("stream", "seq", "at", "attempt", "prev_hash", "hash")}
    return {**same, **stamp, "kind": envelope.fact.kind, "data": data_of(envelope.fact)}


@pytest.fixture
def facts() -> list[dict[str, Any]]:
    """Three, as the ledger stores them."""
    stream, prev, stored = TenantId(uuid4()), "", []
    for seq, activity in enumerate(trial_generator.ACTIVITIES[:3], start=1):
        fact = ActivityCompleted(ActivityName(activity))
        envelope = seal(stream, fact, seq=seq, at=utc_now(), attempt=1, stamp=Stamp("ada", "ü", "x"), prev=prev)
        stored.append(_as_row(envelope))
        prev = envelope.hash
    return stored


def test_the_verdict_reads_the_ledgers_own_chain(facts: list[dict[str, Any]]):
    assert verdict.check_hash_chain(facts) == []


def test_an_altered_fact_breaks_the_chain(facts: list[dict[str, Any]]):
    facts[1]["actor"] = "eve"
    assert verdict.check_hash_chain(facts) == ["the chain is broken at fact 2"]


def test_a_missing_fact_breaks_the_chain(facts: list[dict[str, Any]]):
    assert verdict.check_hash_chain([facts[0], facts[2]]) == ["fact 2 is missing"]


def test_a_fact_that_was_seen_once_and_is_gone_is_lost(facts: list[dict[str, Any]]):
    observed = ObservedFacts()
    assert observed.add(facts) == []
    assert observed.add(facts[:2]) == [f"fact 3 of {facts[2]['stream']} is lost"]


WAITED = {"kind": "tenant.provisioning.step.completed", "data": {"activity": "wait_for_workloads_ready"}}
STARTED, SETTLED = {"kind": "tenant.provisioning.started"}, {"kind": "tenant.provisioning.settled"}
RELEASED = {"kind": "tenant.resource.released"}


def _asked(by: str, what: str = "tenant.provisioning.cancel.requested") -> dict[str, str]:
    return {"kind": what, "actor": by}


@pytest.mark.parametrize(
    ("story", "wrong"),
    [
        ([STARTED, RELEASED], False),
        ([STARTED, WAITED, RELEASED], True),
        ([STARTED, WAITED, _asked("reconciler"), RELEASED], True),
        ([STARTED, WAITED, _asked("operator"), RELEASED], False),
        ([STARTED, WAITED, _asked("operator", "tenant.decommission.requested"), RELEASED], False),
        ([STARTED, WAITED, _asked("operator"), RELEASED, SETTLED, STARTED, RELEASED], False),
        ([STARTED, WAITED, STARTED, RELEASED], True),
        ([STARTED, _asked("operator"), STARTED, WAITED, RELEASED], True),
    ],
)
def test_resources_that_a_customer_may_use_are_released_only_by_a_persons_command(
    story: list[dict[str, Any]], wrong: bool
):
    facts = [{"seq": seq, "data": {}, "actor": "saga", **fact} for seq, fact in enumerate(story, start=1)]
    assert bool(verdict.check_releases(facts)) is wrong


def _line(*, counts: bool) -> dict[str, Any]:
    line = {"phase": "flip", "activity": "mark_active", "hits": ["kill task", "raise"], "violations": []}
    return {**line, "counts": counts, "ends": {"Active": 2}}


def test_results_accumulate_in_the_file_and_only_those_that_hit_are_counted(tmp_path: Path):
    file = tmp_path / "results.jsonl"
    for line in (_line(counts=True), _line(counts=True), _line(counts=False)):
        results.add(file, line)
    lines = results.read(file)
    assert results.by_fault(lines) == {("kill task", "flip"): 2, ("raise", "flip"): 2}
    assert results.by_activity(lines) == {("mark_active", "flip"): 2}
    assert results.summary(lines).startswith("2 counted trials of 3, 0 violations; tenants: 4 Active;")


def test_a_trial_is_missing_when_its_fault_or_its_activity_was_not_hit_in_its_phase():
    flips = [trial for trial in map(trial_generator.generate_trial, range(500)) if trial.phase == "flip"]
    missing = {trial.attacks[0].fault for trial in flips if results.is_missing([_line(counts=True)], trial)}
    assert missing == {fault for fault, phases in trial_generator.FAULTS.items() if "flip" in phases} - {
        "kill task",
        "raise",
    }
    assert all(results.is_missing([_line(counts=False)], trial) for trial in flips)


def test_the_matrices_distinguish_what_does_not_exist_from_what_was_not_hit():
    table = results.matrices([_line(counts=True)])
    assert "| kill task | 0 | 0 | 0 | 0 | 1 | · | · |" in table
    assert "| mark_active | 0 | 0 | 0 | · | 1 | · | · |" in table


def test_the_document_gets_the_results_between_its_marks_and_nothing_else_changes():
    document = f"before\n{results.BEGIN}\nold\n{results.END}\nafter"
    lines = [{**_line(counts=True), "seed": seed} for seed in (1, 2, 3, 7)]
    written = results.into(document, lines)
    assert written.startswith(f"before\n{results.BEGIN}\n4 counted trials")
    assert written.endswith(f"{results.END}\nafter")
    assert "Seeds: 1 to 3, 7." in written
    assert "old" not in written
    assert results.into(written, lines) == written
