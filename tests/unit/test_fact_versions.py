"""Facts of another version: what an older one wrote is read, what a newer one wrote is not read in part."""

from typing import Any

import pytest

from tenancy.ledger.envelope import data_of, fact_of
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.errors import LedgerOutdatedError, PlatformError
from tests.unit.sagas import ACME, DEPLOY, PLAN, RUN, TENANT

SAMPLES: dict[str, f.Fact] = {
    "requested": f.ProvisioningRequested(TENANT, ACME),
    "started": f.AttemptStarted(1, RUN, ACME, PLAN, "0002"),
    "failed": f.ActivityFailed(DEPLOY, "TransientError", "no answer", "cluster.unreachable"),
    "undone": f.CompensationFailed("role", "acme", "TransientError", "no answer"),
    "unwinding": f.UnwindingStarted(1),
    "held": f.RunHeld("paused"),
}


OPEN = {"values"}
"""Fields that have names of others' making: a product's parameters."""


def _with_more(data: Any) -> list[Any]:
    """The same data with one more field, at every place where there are fields."""
    changed = []
    if isinstance(data, dict):
        changed.append({**data, "field_from_the_future": 1})
        inner = {key: value for key, value in data.items() if key not in OPEN}
        changed += [{**data, key: each} for key, value in inner.items() for each in _with_more(value)]
    if isinstance(data, list):
        changed += [[*data[:n], each, *data[n + 1 :]] for n, value in enumerate(data) for each in _with_more(value)]
    return changed


@pytest.mark.parametrize("fact", SAMPLES.values(), ids=SAMPLES)
def test_a_field_from_the_future_asks_for_an_upgrade_and_is_the_platforms_fault(fact: f.Fact):
    for data in _with_more(data_of(fact)):
        with pytest.raises(LedgerOutdatedError, match="field_from_the_future") as raised:
            fact_of(fact.kind, data)
        assert isinstance(raised.value, PlatformError)
        assert raised.value.cause is Cause.PLATFORM_VERSION


@pytest.mark.parametrize(
    ("fact", "new_fields"),
    [
        ("started", {"chart_version", "product", "dag_id"}),
        ("failed", {"cause", "platform", "permanent", "stopped"}),
        ("undone", {"cause", "platform"}),
        ("unwinding", {"renewal"}),
        ("held", {"cause", "platform"}),
    ],
)
def test_facts_of_the_previous_versions_are_read(fact: str, new_fields: set[str]):
    kind, data = SAMPLES[fact].kind, data_of(SAMPLES[fact])
    old = {key: value for key, value in data.items() if key not in new_fields}
    assert data_of(fact_of(kind, old)).keys() == data.keys()


def test_a_request_that_is_older_than_parameters_of_products_has_none():
    stored = data_of(SAMPLES["requested"])
    del stored["parameters"]["values"]
    assert fact_of(f.ProvisioningRequested.kind, stored) == f.ProvisioningRequested(TENANT, ACME)


@pytest.mark.parametrize(
    ("error", "permanent", "stopped"),
    [
        ("TransientError", False, False),
        ("AirflowTaskTimeout", False, False),
        ("PermanentError", True, False),
        ("ForeignObjectError", True, False),
        ("Stopped", False, True),
    ],
)
def test_an_older_failure_says_by_its_errors_name_what_is_stored_today(error: str, permanent: bool, stopped: bool):
    fact = fact_of(f.ActivityFailed.kind, {"activity": DEPLOY, "error": error, "message": "it went boom"})
    assert fact == f.ActivityFailed(DEPLOY, error, "it went boom", permanent=permanent, stopped=stopped)


def test_what_a_failure_states_itself_counts_and_not_its_errors_name():
    stored = data_of(f.ActivityFailed(DEPLOY, "Stopped", "it went boom", permanent=True))
    fact = fact_of(f.ActivityFailed.kind, stored)
    assert fact == f.ActivityFailed(DEPLOY, "Stopped", "it went boom", permanent=True)


@pytest.mark.parametrize(
    "change", [{"plan": [{"activity": "x", "kind": "from.the.future"}]}, {"attempt": "first"}, {"run_id": None}]
)
def test_a_value_that_cannot_be_read_names_its_field(change: dict[str, Any]):
    fact = SAMPLES["started"]
    with pytest.raises(LedgerOutdatedError, match=next(iter(change))):
        fact_of(fact.kind, {**data_of(fact), **change})
