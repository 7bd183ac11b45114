"""What an activity may return: the declared outputs, and values that the ledger returns unchanged."""

import math
from typing import Any

import pytest

from tenancy.saga.errors import PlatformError
from tenancy.saga.names import ActivityName
from tenancy.saga.outputs import LIMIT, checked_outputs

NAME = ActivityName("create_bucket")


def test_the_declared_outputs_are_taken_as_they_are():
    outputs = {"url": "s3://acme", "objects": 0, "share": 0.5, "public": False}
    assert checked_outputs(NAME, outputs, declared=outputs) == outputs


def test_an_activity_without_outputs_may_return_nothing():
    assert checked_outputs(NAME, None, declared=()) == {}


def test_a_negative_zero_is_recorded_as_zero_because_the_ledger_has_none():
    assert math.copysign(1, checked_outputs(NAME, {"share": -0.0}, declared=["share"])["share"]) == 1


@pytest.mark.parametrize(
    ("outputs", "problem"),
    [
        ({}, "url is missing"),
        ({"url": "x", "extra": 1}, "extra is not declared"),
        ({"url": None}, "url must be a text, a number, true or false"),
        ({"url": ["x"]}, "url must be a text, a number, true or false"),
        ({"url": "a\0b"}, "url must not contain the character NUL"),
        ({"url": math.nan}, "url must be a number from"),
        ({"url": 2**60}, "url must be a number from"),
        ({"url": 1e300}, "url must be a number from"),
        ({"url": "x" * LIMIT}, "must not exceed 4096 characters"),
        ({"url": "x", "Bad-Name": 1}, "the name 'Bad-Name' must be of a-z"),
    ],
)
def test_other_outputs_hold_the_attempt_until_the_activity_is_corrected(outputs: dict[str, Any], problem: str):
    with pytest.raises(PlatformError, match=problem) as raised:
        checked_outputs(NAME, outputs, declared=["url"])
    assert "create_bucket" in str(raised.value)
