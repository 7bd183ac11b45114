"""The metrics' names, what each means, and its numbers from what was measured. Pure.

docs/reference/metrics.md lists them; prometheus_client writes them as OpenMetrics text.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client import Metric
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.registry import Collector

from tenancy.activities.registry import installed
from tenancy.engine.reconciliation.drift_check import BEAT as REALITY_CHECK
from tenancy.engine.reconciliation.reconcile import BEAT as RECONCILIATION
from tenancy.ledger.activity_durations import DurationStats
from tenancy.ledger.measures import FailureMeasure, Measures
from tenancy.saga.states import State, Substate

_STATES: Final = [
    *((state.value, "") for state in State if state is not State.FAILED),
    *((State.FAILED.value, substate.value) for substate in Substate),
]
_PASSING: Final = [
    (State.PROVISIONING.value, ""),
    (State.CANCELLING.value, ""),
    (State.DECOMMISSIONING.value, ""),
    (State.FAILED.value, Substate.UNWINDING.value),
    (State.FAILED.value, Substate.STUCK.value),
]
"""Where no tenant should stay."""
_NEVER: Final = float("inf")

Sample = tuple[float, dict[str, str]]
"""A number, and the labels that distinguish it within its metric."""


@dataclass(frozen=True)
class _Measured(Collector):
    """One request's measurements, instead of the library's registry of the whole process."""

    measures: Measures

    def collect(self) -> list[Metric]:
        return metrics(self.measures)


def exposition(measures: Measures) -> bytes:
    """The whole document, in OpenMetrics 1.0."""
    document: bytes = generate_latest(_Measured(measures))  # type: ignore[no-untyped-call]
    return document


def _metric(kind: str, name: str, help_text: str, samples: Iterable[Sample]) -> Metric:
    metric = Metric(name, help_text, kind, unit="seconds" if name.endswith("_seconds") else "")
    for value, labels in samples:
        metric.add_sample(name, labels, value)
    return metric


def _gauge(name: str, help_text: str, *samples: Sample) -> Metric:
    """How much there is now."""
    return _metric("gauge", name, help_text, samples)


def _sample(value: float, **labels: str) -> Sample:
    return value, labels


def metrics(measures: Measures) -> list[Metric]:
    """All of them, in the order of the document. Each is there also when there is nothing to count."""
    return [*_tenants(measures), *_durations(measures), *_failures(measures), *_platform(measures)]


def _tenants(measures: Measures) -> list[Metric]:
    counted = {key: measure.tenants for key, measure in measures.states.items()}
    oldest = {key: _seconds(measures.at, measure.oldest_since) for key, measure in measures.states.items()}
    return [
        _gauge(
            "tenancy_tenants",
            "Tenants by product and state, and by substate where that is Failed.",
            *_by_state(measures, counted, _STATES),
        ),
        _gauge(
            "tenancy_oldest_in_state_seconds",
            "How long the tenant has been there that is there longest, for states in which none should stay.",
            *_by_state(measures, oldest, _PASSING),
        ),
        _gauge(
            "tenancy_stalls",
            "Tenants with an open stall, by what is over its time, the activity if it is at one, and the cause.",
            *(
                _sample(each.tenants, stall=each.kind, activity=each.activity, cause=each.cause)
                for each in measures.stalls
            ),
        ),
        _gauge(
            "tenancy_class_issues",
            "Open classes of stall: three or more tenants that do not get on for one cause, by where and why.",
            *(
                _sample(each.groups, activity=each.activity, cause=each.cause, region=each.region, product=each.product)
                for each in measures.incident_groups
            ),
        ),
    ]


def _by_state(
    measures: Measures, values: Mapping[tuple[str, str, str], float], states: Iterable[tuple[str, str]]
) -> Iterator[Sample]:
    """One sample for each state and each product that has tenants; of no product when there is no tenant at all."""
    products = sorted({product for _, _, product in measures.states}) or [""]
    for product in products:
        for state, substate in states:
            value = values.get((state, substate, product), 0)
            yield _sample(value, state=state, substate=substate, product=product)


def _durations(measures: Measures) -> list[Metric]:
    shares = measures.times_to_active.items()
    return [
        _metric(
            "summary",
            "tenancy_time_to_active_seconds",
            "From an attempt's start until its tenant was Active: the newest 500 attempts of the last 24 hours.",
            tuple(_sample(seconds, quantile=f"{share:g}") for share, seconds in shares),
        ),
        _metric(
            "summary",
            "tenancy_activity_seconds",
            "From an activity's first start until it was completed: the newest 700 of the last 24 hours.",
            tuple(each for activity, usual in sorted(measures.activities.items()) for each in _usual(activity, usual)),
        ),
    ]


def _usual(activity: str, usual: DurationStats) -> tuple[Sample, Sample]:
    return (
        _sample(usual.median_seconds, activity=activity, quantile="0.5"),
        _sample(usual.p95_seconds, activity=activity, quantile="0.95"),
    )


def _failures(measures: Measures) -> list[Metric]:
    names = list(dict.fromkeys([*(activity.name for activity in installed()), *sorted(measures.failures)]))
    failed = {name: measures.failures.get(name, FailureMeasure(0, 0)) for name in names}
    return [
        _gauge(
            "tenancy_failed_tries_last_day",
            "Tries of an activity that failed in the last 24 hours, whether or not a later one succeeded.",
            *(_sample(each.tries, activity=name) for name, each in failed.items()),
        ),
        _gauge(
            "tenancy_failed_attempts_last_day",
            "Attempts that ended at an activity in the last 24 hours.",
            *(_sample(each.attempts, activity=name) for name, each in failed.items()),
        ),
    ]


def _platform(measures: Measures) -> list[Metric]:
    names = list(dict.fromkeys([RECONCILIATION, REALITY_CHECK, *measures.heartbeats]))
    return [
        _gauge(
            "tenancy_reconciler_lag_seconds",
            "Since a reconciler's last pass ended; +Inf when there was none.",
            *(_sample(_lag(measures, name), reconciler=name) for name in names),
        ),
        _gauge(
            "tenancy_alerts_waiting",
            "Alerts that a channel has not taken yet.",
            *(_sample(each.waiting, channel=each.channel) for each in measures.channels),
        ),
        _gauge(
            "tenancy_alerts_given_up",
            "Alerts of the last 30 days that a channel never took.",
            *(_sample(each.given_up, channel=each.channel) for each in measures.channels),
        ),
        _gauge(
            "tenancy_alerts_untold_last_day",
            "Alerts of the last 24 hours that were not sent, because no channel has a connection.",
            _sample(measures.undeliverable_alerts),
        ),
        _gauge("tenancy_ledger_facts", "Facts in the ledger, as PostgreSQL estimates them.", _sample(measures.facts)),
    ]


def _lag(measures: Measures, name: str) -> float:
    return _seconds(measures.at, measures.heartbeats[name]) if name in measures.heartbeats else _NEVER


def _seconds(now: datetime, since: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
