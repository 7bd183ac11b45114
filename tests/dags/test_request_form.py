"""Airflow's trigger form and REST API check a product's parameters by its schema before a run exists."""

from typing import Any

import pytest
from airflow.sdk.definitions.param import ParamsDict
from airflow.sdk.exceptions import ParamValidationError

from tenancy.orchestration.request_form import request_params
from tests import real_systems
from tests.products import PROPERTIES, SAMPLE, with_parameters


def params() -> ParamsDict:
    """Anew for each test: a Param keeps the value that it resolved last."""
    return ParamsDict(request_params(real_systems.platform(), with_parameters(required=("tier",))))


def test_the_fixed_fields_come_first_and_the_parameters_follow_in_the_schemas_order():
    assert list(params()) == ["slug", "name", "plan", "region", "admin_email", *PROPERTIES]
    assert list(request_params(real_systems.platform(), SAMPLE)) == ["slug", "name", "plan", "region", "admin_email"]


def test_the_form_shows_title_description_and_default():
    seats = params().get_param("seats")
    assert (seats.value, seats.schema["title"], seats.description) == (5, "Seats", "How many.")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seats", 1),
        ("seats", 99),
        ("tier", "gold"),
        ("discount", 0.5),
        ("discount", None),
        ("trial", False),
        ("trial", None),
        ("cost_centre", "CC-0042"),
        ("cost_centre", "checked by the first task"),
        ("smtp_password", "secret_acme_smtp"),
        ("smtp_password", None),
    ],
)
def test_what_fits_is_accepted_and_an_optional_field_may_stay_empty(key: str, value: Any):
    assert params().get_param(key).resolve(value) == value


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("seats", 0),
        ("seats", "many"),
        ("seats", None),
        ("tier", "lead"),
        ("tier", None),
        ("discount", 0.6),
        ("trial", "yes"),
        ("cost_centre", "x" * 1001),
        ("smtp_password", "hunter2"),
        ("smtp_password", "tenancy_ledger"),
    ],
)
def test_what_does_not_fit_is_refused(key: str, value: Any):
    with pytest.raises(ParamValidationError):
        params().get_param(key).resolve(value)


def test_a_required_parameter_has_no_value_of_its_own():
    with pytest.raises(ParamValidationError, match="No value passed"):
        params().get_param("tier").resolve()
