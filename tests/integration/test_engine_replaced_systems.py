"""Systems that the platform file declares replaced or lost: the audit log shows the first use for each resource."""

from dataclasses import replace

from tenancy.ledger.timeline import build_timelines
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tests.integration.engine_harness import SCHEMA, WAIT, EngineHarness

FILE = "/etc/tenancy/platform.toml"


def declare(harness: EngineHarness, replaced: dict[str, str]) -> None:
    platform = replace(harness.tenancy.platform, replaced_systems=replaced, source=FILE)
    harness.tenancy = replace(harness.tenancy, platform=platform)


def system_of(harness: EngineHarness, kind: str) -> str:
    return next(each.system for each in harness.saga.resources if each.kind == kind)


def test_what_counts_as_released_in_a_lost_system_is_recorded_with_the_file_that_says_so(harness: EngineHarness):
    harness.run_until(WAIT)
    storage = system_of(harness, "database")
    declare(harness, {storage: "lost"})
    harness.record_commands(c.Cancel())
    assert harness.unwind().phase == "Failed settled"
    recorded = harness.facts(f.SystemReplaced)
    assert {fact.resource for fact in recorded} == {"role", "database", "schema"}
    assert {(fact.system, fact.successor, fact.file) for fact in recorded} == {(storage, "lost", FILE)}
    assert harness.external_objects["database"], "nobody looked there"
    (timeline,) = build_timelines(harness.envelopes)
    name = recorded[0].name
    assert f"database {name}: the platform file {FILE} declares its system {storage} lost" in timeline.notes


def test_a_successor_that_answers_is_recorded_once_for_each_resource(harness: EngineHarness):
    harness.run_until(SCHEMA)
    before = system_of(harness, "connection")
    declare(harness, {before: "airflow:another"})
    assert harness.facts(f.SystemReplaced) == []
    harness.handles.system = "airflow:another"
    harness.record_commands(c.Cancel())
    assert harness.unwind().phase == "Failed settled"
    (fact,) = harness.facts(f.SystemReplaced)
    assert (fact.resource, fact.system, fact.successor, fact.file) == ("connection", before, "airflow:another", FILE)
    (envelope,) = (each for each in harness.envelopes if each.fact == fact)
    assert envelope.stamp.actor


def test_a_declaration_that_was_not_used_leaves_no_fact(harness: EngineHarness):
    harness.run_until(SCHEMA)
    declare(harness, {system_of(harness, "connection"): "airflow:another", "postgresql:1": "lost"})
    harness.record_commands(c.Cancel())
    assert harness.unwind().phase == "Failed settled"
    assert harness.facts(f.SystemReplaced) == []
