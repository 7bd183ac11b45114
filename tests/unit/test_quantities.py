"""Quantities are compared as numbers, since an API server writes them its own way."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.utils.quantity import parse_quantity

from cluster_emulator import quantities as of_the_server
from tenancy.saga.quantities import amount, same, times

NUMBERS = st.from_regex(r"[+-]?([0-9]{1,6}(\.[0-9]{0,4})?|\.[0-9]{1,4})", fullmatch=True)
SUFFIXES = st.sampled_from(["", *"numkMGTPE", *(f"{letter}i" for letter in "KMGTPE")])
EXPONENTS = st.from_regex(r"[eE][+-]?[0-9]{1,2}", fullmatch=True)


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


@given(NUMBERS, SUFFIXES)
def test_it_is_read_as_the_client_library_reads_it(number: str, suffix: str):
    assert amount(number + suffix) == parse_quantity(number + suffix) == of_the_server.parse(number + suffix)


@given(NUMBERS, EXPONENTS)
def test_an_exponent_counts(number: str, exponent: str):
    assert amount(number + exponent) == Decimal(number + exponent) == of_the_server.parse(number + exponent)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1K",
        "1ki",
        "1mi",
        "1KI",
        "1 Gi",
        "1Gi ",
        "\u0661",
        "1_000",
        "NaN",
        "inf",
        "0x10",
        "1e",
        "1e+",
        "--1",
        ".",
        "1,5",
    ],
)
def test_what_a_server_refuses_is_no_quantity(text: str):
    with pytest.raises(ValueError, match="no quantity"):
        amount(text)
    with pytest.raises(ValueError, match="quantities must match"):
        of_the_server.parse(text)


@given(NUMBERS, st.one_of(SUFFIXES, EXPONENTS), st.integers(1, 51))
def test_a_multiple_is_a_quantity_of_so_much_more(number: str, suffix: str, count: int):
    assert amount(times(number + suffix, count)) == amount(number + suffix) * count
