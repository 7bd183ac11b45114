"""The text for Prometheus, read back by a reader of the format's rules; and what the numbers mean."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tenancy.console.metrics_view import exposition
from tenancy.ledger.activity_durations import DurationStats
from tenancy.ledger.alerts import ChannelState
from tenancy.ledger.measures import FailureMeasure, IncidentGroupMeasure, Measures, StallMeasure, StateMeasure
from tests.openmetrics_reader import Document, read
from tests.products import PLAN

NOW = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
EMPTY = Measures(NOW, {}, (), (), {}, {}, {}, {}, (), 0, 0)
BUSY = Measures(
    at=NOW,
    states={
        ("Active", "", "sample"): StateMeasure(90, NOW - timedelta(days=300)),
        ("Provisioning", "", "sample"): StateMeasure(2, NOW - timedelta(seconds=40)),
        ("Failed", "stuck", "sample"): StateMeasure(1, NOW - timedelta(hours=1)),
    },
    stalls=(
        StallMeasure("activity", "allocate_storage", "storage.no_slots", 3),
        StallMeasure("undoing", "", "unknown", 1),
    ),
    incident_groups=(IncidentGroupMeasure("allocate_storage", "storage.no_slots", "eu-central", "sample", 2),),
    times_to_active={0.5: 3.25, 0.95: 40.0, 0.99: 100.5},
    activities={"allocate_storage": DurationStats(0.125, 2.5, 40)},
    failures={"allocate_storage": FailureMeasure(4, 1), "an_old_activity": FailureMeasure(1, 0)},
    heartbeats={"reconciliation": NOW - timedelta(seconds=12)},
    channels=(ChannelState("slack", 3, 1),),
    undeliverable_alerts=2,
    facts=5_000_123,
)


def exposed(measures: Measures = BUSY) -> Document:
    return read(exposition(measures).decode())


def test_what_a_label_says_comes_back_as_it_was():
    channel = 'a "quote", a \\ and\nanother line'
    assert (
        exposed(replace(BUSY, channels=(ChannelState(channel, 3, 1),))).value("tenancy_alerts_waiting", channel=channel)
        == 3
    )


@pytest.mark.parametrize("facts", [0, 1, 5_000_123, 10**15 + 1])
def test_numbers_come_back_as_they_were(facts: int):
    assert exposed(replace(BUSY, facts=facts)).value("tenancy_ledger_facts") == facts


@pytest.mark.parametrize("measures", [EMPTY, BUSY], ids=["empty", "busy"])
def test_metrics_in_seconds_declare_their_unit(measures: Measures):
    document = exposed(measures)
    assert {name for name, metric in document.families.items() if metric.unit == "seconds"} == {
        name for name in document.families if name.endswith("_seconds")
    }


def test_times_are_summaries_and_all_else_is_a_gauge():
    document = exposed()
    assert {metric.type for metric in document.families.values()} == {"gauge", "summary"}
    assert document.families["tenancy_time_to_active_seconds"].type == "summary"
    assert document.families["tenancy_reconciler_lag_seconds"].type == "gauge"


def test_nothing_of_the_process_is_exposed():
    """The library's own registry counts garbage collections; each request has measurements of its own."""
    assert all(name.startswith("tenancy_") for name in exposed().families)


@pytest.mark.parametrize("measures", [EMPTY, BUSY], ids=["empty", "busy"])
def test_the_document_is_one_that_its_rules_allow(measures: Measures):
    document = exposed(measures)
    assert all(re.fullmatch(r"tenancy_[a-z_]+", name) for name in document.families)
    assert all(family.documentation.endswith(".") for family in document.families.values())


def test_every_state_is_counted_also_when_nobody_is_in_it():
    document = exposed()
    assert document.value("tenancy_tenants", state="Active", substate="", product="sample") == 90
    assert document.value("tenancy_tenants", state="Failed", substate="stuck", product="sample") == 1
    assert document.value("tenancy_tenants", state="Failed", substate="unwinding", product="sample") == 0
    assert document.value("tenancy_oldest_in_state_seconds", state="Provisioning", substate="", product="sample") == 40
    assert document.value("tenancy_oldest_in_state_seconds", state="Cancelling", substate="", product="sample") == 0


def test_stalls_are_counted_by_activity_place_and_cause():
    document = exposed()
    at_storage = {"stall": "activity", "activity": "allocate_storage", "cause": "storage.no_slots"}
    assert document.value("tenancy_stalls", **at_storage) == 3
    assert document.value("tenancy_stalls", stall="undoing", activity="", cause="unknown") == 1


def test_incident_groups_are_counted_by_place_and_cause():
    document = exposed()
    there = {"activity": "allocate_storage", "cause": "storage.no_slots", "region": "eu-central", "product": "sample"}
    assert document.value("tenancy_class_issues", **there) == 2


def test_times_are_reported_as_quantiles():
    document = exposed()
    assert document.value("tenancy_time_to_active_seconds", quantile="0.95") == 40
    assert document.value("tenancy_activity_seconds", activity="allocate_storage", quantile="0.5") == 0.125


def test_failures_are_counted_for_every_activity():
    document = exposed()
    assert document.value("tenancy_failed_tries_last_day", activity="allocate_storage") == 4
    assert document.value("tenancy_failed_attempts_last_day", activity="allocate_storage") == 1
    assert document.value("tenancy_failed_tries_last_day", activity="an_old_activity") == 1
    assert all(document.value("tenancy_failed_tries_last_day", activity=each.name) >= 0 for each in PLAN)


def test_a_reconciler_that_never_ran_is_late_for_ever():
    document = exposed()
    assert document.value("tenancy_reconciler_lag_seconds", reconciler="reconciliation") == 12
    assert document.value("tenancy_reconciler_lag_seconds", reconciler="reality check") == float("inf")


def test_the_outbox_and_the_ledger_are_reported():
    document = exposed()
    assert document.value("tenancy_alerts_waiting", channel="slack") == 3
    assert document.value("tenancy_alerts_given_up", channel="slack") == 1
    assert document.value("tenancy_alerts_untold_last_day") == 2
    assert document.value("tenancy_ledger_facts") == 5_000_123
