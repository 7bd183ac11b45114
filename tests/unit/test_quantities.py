"""Quantities are compared as numbers, since an API server writes them its own way."""

import pytest

from tenancy.saga.quantities import amount, same, times


def test_what_a_server_answers_is_the_same_as_what_was_sent():
    assert same({"cpu": "1000m", "memory": "1024Mi"}, {"cpu": "1", "memory": "1Gi"})


@pytest.mark.parametrize(("sent", "answered"), [("1000m", "1001m"), ("1Gi", "1G"), ("1", "odd")])
def test_other_amounts_are_not_the_same(sent: str, answered: str):
    assert not same({"cpu": sent}, {"cpu": answered})


def test_no_quota_is_not_the_same_as_one():
    assert not same(None, {"cpu": "1"})
    assert same(None, None)


def test_a_multiple_keeps_every_digit_and_the_unit():
    assert times("134217728", 2) == "268435456"
    assert times("0.5Gi", 3) == "1.5Gi"


def test_what_is_no_quantity_is_refused():
    with pytest.raises(ValueError, match="no quantity"):
        amount("plenty")
