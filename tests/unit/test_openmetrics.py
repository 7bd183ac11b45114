"""The text for Prometheus, read back by a reader of the format's rules; and what the numbers mean."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tenancy.activities.plan import PLAN
from tenancy.console.metrics_view import families
from tenancy.console.openmetrics import Family, exposition, gauge, sample
from tenancy.ledger.activity_durations import DurationStats
from tenancy.ledger.alerts import ChannelState
from tenancy.ledger.measures import FailureMeasure, IncidentGroupMeasure, Measures, StallMeasure, StateMeasure
from tests.openmetrics_reader import read

NOW = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
EMPTY = Measures(NOW, {}, (), (), {}, {}, {}, {}, (), 0, 0)
BUSY = Measures(
    at=NOW,
    states={
        ("Active", ""): StateMeasure(90, NOW - timedelta(days=300)),
        ("Provisioning", ""): StateMeasure(2, NOW - timedelta(seconds=40)),
        ("Failed", "stuck"): StateMeasure(1, NOW - timedelta(hours=1)),
    },
    stalls=(
        StallMeasure("activity", "allocate_storage", "storage.no_slots", 3),
        StallMeasure("undoing", "", "unknown", 1),
    ),
    incident_groups=(IncidentGroupMeasure("allocate_storage", "storage.no_slots", "eu-central", 2),),
    times_to_active={0.5: 3.25, 0.95: 40.0, 0.99: 100.5},
    activities={"allocate_storage": DurationStats(0.125, 2.5, 40)},
    failures={"allocate_storage": FailureMeasure(4, 1), "an_old_activity": FailureMeasure(1, 0)},
    heartbeats={"reconciliation": NOW - timedelta(seconds=12)},
    channels=(ChannelState("slack", 3, 1),),
    undeliverable_alerts=2,
    facts=5_000_123,
)


def test_what_a_label_says_comes_back_as_it_was():
    said = 'a "quote", a \\ and\nanother line'
    text = exposition([gauge("tenancy_x", "All\nof it.", sample(1, said=said))])
    assert read(text).value("tenancy_x", said=said) == 1


def test_numbers_come_back_as_they_were():
    values = [0, 1, 5_000_123, 0.000125, 123456.789, float("inf")]
    text = exposition([gauge("tenancy_x", "X.", *(sample(value, n=str(n)) for n, value in enumerate(values)))])
    assert [read(text).value("tenancy_x", n=str(n)) for n in range(len(values))] == values


def test_seconds_are_said_to_be_seconds():
    text = exposition([gauge("tenancy_x_seconds", "X."), gauge("tenancy_y", "Y.")])
    assert "# UNIT tenancy_x_seconds seconds\n" in text
    assert "# UNIT tenancy_y" not in text


@pytest.mark.parametrize("seen", [EMPTY, BUSY], ids=["empty", "busy"])
def test_the_document_is_one_that_its_rules_allow(seen: Measures):
    document = read(exposition(families(seen)))
    assert all(re.fullmatch(r"tenancy_[a-z_]+", name) for name in document.families)
    assert all(family.help.endswith(".") for family in document.families.values())


def test_every_state_is_counted_also_when_nobody_is_in_it():
    document = read(exposition(families(BUSY)))
    assert document.value("tenancy_tenants", state="Active", substate="") == 90
    assert document.value("tenancy_tenants", state="Failed", substate="stuck") == 1
    assert document.value("tenancy_tenants", state="Failed", substate="unwinding") == 0
    assert document.value("tenancy_oldest_in_state_seconds", state="Provisioning", substate="") == 40
    assert document.value("tenancy_oldest_in_state_seconds", state="Cancelling", substate="") == 0


def test_stalls_are_told_by_what_where_and_why():
    document = read(exposition(families(BUSY)))
    at_storage = {"stall": "activity", "activity": "allocate_storage", "cause": "storage.no_slots"}
    assert document.value("tenancy_stalls", **at_storage) == 3
    assert document.value("tenancy_stalls", stall="undoing", activity="", cause="unknown") == 1


def test_classes_are_told_by_where_and_why():
    document = read(exposition(families(BUSY)))
    there = {"activity": "allocate_storage", "cause": "storage.no_slots", "region": "eu-central"}
    assert document.value("tenancy_class_issues", **there) == 2


def test_times_are_told_by_their_shares():
    document = read(exposition(families(BUSY)))
    assert document.value("tenancy_time_to_active_seconds", quantile="0.95") == 40
    assert document.value("tenancy_activity_seconds", activity="allocate_storage", quantile="0.5") == 0.125


def test_failures_are_counted_for_every_activity():
    document = read(exposition(families(BUSY)))
    assert document.value("tenancy_failed_tries_last_day", activity="allocate_storage") == 4
    assert document.value("tenancy_failed_attempts_last_day", activity="allocate_storage") == 1
    assert document.value("tenancy_failed_tries_last_day", activity="an_old_activity") == 1
    assert all(document.value("tenancy_failed_tries_last_day", activity=each.name) >= 0 for each in PLAN)


def test_a_reconciler_that_never_ran_is_late_for_ever():
    document = read(exposition(families(BUSY)))
    assert document.value("tenancy_reconciler_lag_seconds", reconciler="reconciliation") == 12
    assert document.value("tenancy_reconciler_lag_seconds", reconciler="reality check") == float("inf")


def test_the_outbox_and_the_ledger_are_told():
    document = read(exposition(families(BUSY)))
    assert document.value("tenancy_alerts_waiting", channel="slack") == 3
    assert document.value("tenancy_alerts_given_up", channel="slack") == 1
    assert document.value("tenancy_alerts_untold_last_day") == 2
    assert document.value("tenancy_ledger_facts") == 5_000_123


@pytest.mark.parametrize(
    "wrong",
    [
        "tenancy_x 1\n# EOF\n",  # no type
        "# TYPE tenancy_x gauge\ntenancy_x 1\n",  # no end
        "# TYPE tenancy_x gauge\ntenancy_x one\n# EOF\n",
        '# TYPE tenancy_x gauge\ntenancy_x{a="b} 1\n# EOF\n',
        '# TYPE tenancy_x gauge\ntenancy_x{a="1"} 1\ntenancy_x{a="1"} 1\n# EOF\n',  # twice
    ],
)
def test_the_reader_of_these_tests_is_strict(wrong: str):
    with pytest.raises(AssertionError):
        read(wrong)


def test_a_summary_states_its_kind():
    assert read(exposition([Family("tenancy_x", "X.", (), "summary")])).families["tenancy_x"].kind == "summary"
