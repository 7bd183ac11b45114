"""A product's parameters: a schema that no form could show is refused with its key, and so is a value that does not
fit."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.activities.validate_request import FIELDS, check_request
from tenancy.adapters.parameter_schema import example_of, read_schema
from tenancy.adapters.parameter_values import NOT_A_CONNECTION, check_values, why_not_fitting
from tenancy.saga.errors import Refused
from tenancy.saga.product_parameters import RESERVED, Parameter
from tenancy.saga.recorded_values import NUMBER_LIMIT
from tenancy.saga.tenant import Parameters
from tests import real_systems
from tests.products import PROPERTIES, SAMPLE, with_parameters

PLATFORM = real_systems.platform()


def problems_of(properties: dict[str, Any], **document: Any) -> list[str]:
    return read_schema(json.dumps({"type": "object", "properties": properties, **document}))[1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not JSON: "),
        ("[", "is not JSON: "),
        ("[" * 100_000, "is not JSON: "),
        ('{"type": "object", "properties": {"a": 1, "a": 2}}', "is not JSON: the key a is there twice"),
        ('{"type": "object", "properties": {"a": {"type": "number", "default": NaN}}}', "NaN is no number"),
        ("[]", "must be an object"),
        ("{}", "type: is missing"),
        ('{"type": "array", "properties": {}}', "type: must be one of object"),
        ('{"type": "object", "properties": []}', "properties: must be an object"),
        ('{"type": "object", "properties": {}, "$ref": "https://example.com/s.json"}', "$ref: $ref is not allowed"),
        ('{"type": "object", "properties": {}, "$defs": {}}', "$defs: unknown key (there are: $schema, title"),
        ('{"type": "object", "properties": {}, "additionalProperties": true}', "additionalProperties: must be one of"),
        ('{"type": "object", "properties": {}, "required": "seats"}', "required: must be a list"),
        ('{"type": "object", "properties": {}, "required": ["seats"]}', "required: there is no property seats"),
        ('{"type": "object", "properties": {}, "required": [{}]}', "required: there is no property {}"),
        ('{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {}}', "$schema: must"),
    ],
)
def test_a_document_that_is_no_schema_of_parameters_is_refused_with_its_key(text: str, problem: str):
    parameters, problems = read_schema(text)
    assert parameters == ()
    assert any(problem in each for each in problems), problems


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (None, ": must be an object"),
        ({}, ".type: is missing"),
        ({"type": ["string", "null"]}, ".type: must be one of string, integer, number, boolean"),
        ({"type": "null"}, ".type: must be one of string, integer, number, boolean"),
        ({"type": "object", "properties": {}}, ".type: nested objects and lists are not supported"),
        ({"type": "array", "items": {}}, ".type: nested objects and lists are not supported"),
        ({"$ref": "https://example.com/schema.json"}, ".$ref: $ref is not allowed, wherever it leads"),
        ({"type": "string", "$ref": "#/properties/b"}, ".$ref: $ref is not allowed, wherever it leads"),
        ({"type": "string", "colour": 1}, ".colour: unknown key (there are: type, title"),
        ({"type": "integer", "minLength": 1}, ".minLength: unknown key (there are: type, title"),
        ({"type": "string", "minimum": 1}, ".minimum: unknown key (there are: type, title"),
        ({"type": "string", "title": 7}, ".title: must be a text"),
        ({"type": "string", "maxLength": 1001}, ".maxLength: must be at most 1000"),
        ({"type": "string", "maxLength": -1}, ".maxLength: must be at least 0"),
        ({"type": "string", "format": "uri"}, ".format: must be one of date, email, ipv4, ipv6, uuid"),
        ({"type": "string", "pattern": "["}, ".pattern: is no regular expression that is matched in linear time: uncl"),
        ({"type": "string", "pattern": r"(a)\1"}, ".pattern: is no regular expression that is matched in linear time"),
        ({"type": "string", "pattern": "(?=a)"}, "look-around, including look-ahead and look-behind, is not supported"),
        ({"type": "string", "pattern": "(a{999}){999}{999}"}, ".pattern: is no regular expression"),
        ({"type": "integer", "default": "5"}, ".default: must be a whole number"),
        ({"type": "integer", "default": True}, ".default: must be a whole number"),
        ({"type": "boolean", "default": None}, ".default: must be true or false"),
        ({"type": "integer", "default": 0, "minimum": 1}, ".default: must be at least 1"),
        ({"type": "integer", "default": 2**53 + 1}, ".default: must be a number from -9007199254740992 to"),
        ({"type": "string", "default": "c", "enum": ["a", "b"]}, ".default: must be one of a, b"),
        ({"type": "string", "enum": []}, ".enum: must have an entry"),
        ({"type": "string", "enum": ["a", "a"]}, ".enum: must not have the same entry twice"),
        ({"type": "string", "enum": ["a", 1]}, ".enum: must be a text"),
        ({"type": "string", "examples": ["x" * 1001]}, ".examples: must have at most 1000 characters"),
        ({"type": "string", "pattern": "^CC-[0-9]{4}$"}, ".examples: is missing: name a value that fits"),
        ({"type": "integer", "writeOnly": True}, ".writeOnly: unknown key"),
        ({"type": "string", "writeOnly": True, "enum": ["secret_a"]}, ".enum: a secret (writeOnly) cannot have it"),
        (
            {"type": "string", "writeOnly": True, "default": "hunter2"},
            ".default: must be the id of an Airflow connection",
        ),
    ],
)
def test_a_property_that_no_form_could_show_is_refused_with_its_key(schema: Any, problem: str):
    problems = problems_of({"seats": schema, "fine": {"type": "string"}})
    assert any(each.startswith("properties.seats") and problem in each for each in problems), problems


@pytest.mark.parametrize("key", ["Seats", "1st", "se-ats", "", "a" * 64, "sitz\u00e4"])
def test_a_property_has_a_plain_name(key: str):
    assert any("must be named with lower-case letters" in each for each in problems_of({key: {"type": "string"}}))


@pytest.mark.parametrize("key", sorted(RESERVED))
def test_no_property_has_the_name_of_a_field_that_every_request_has(key: str):
    assert problems_of({key: {"type": "string"}})[0].startswith(f"properties.{key}: every request has this field")


def test_the_fixed_fields_are_reserved():
    assert set(FIELDS) <= RESERVED


def test_all_mistakes_are_named_at_once():
    problems = problems_of({"A": {"type": "string"}, "b": {"type": "text", "default": 1}, "c": {"$ref": "#"}})
    assert {each.split(":")[0] for each in problems} >= {"properties.A", "properties.b.type", "properties.c.$ref"}


def test_there_are_not_more_parameters_than_a_form_can_show():
    many = {f"p{number}": {"type": "string"} for number in range(51)}
    assert problems_of(many) == ["properties: must have at most 50 entries"]


def test_each_parameter_has_an_example():
    for parameter in with_parameters().parameters:
        assert why_not_fitting(parameter.schema, example_of(parameter)) == ""


def test_a_pattern_that_would_take_a_backtracking_matcher_for_ever_is_matched_at_once():
    schema = {"type": "string", "pattern": "^(a+)+$", "maxLength": 1000}
    began = time.process_time()
    assert why_not_fitting(schema, "a" * 999 + "b") == "must be of the form ^(a+)+$"
    assert time.process_time() - began < 5  # Python's own would take 2**999 steps


# -- values

ASKED = real_systems.request()
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=1000)
FITTING = st.fixed_dictionaries(
    {},
    optional={
        "seats": st.integers(1, 99),
        "tier": st.sampled_from(["basic", "gold"]),
        "discount": st.floats(-NUMBER_LIMIT, 0.5),
        "trial": st.booleans(),
        "cost_centre": st.from_regex("CC-[0-9]{4}", fullmatch=True, alphabet=st.characters(max_codepoint=127)),
        "smtp_password": st.from_regex("secret_[A-Za-z0-9_]{1,190}", fullmatch=True),
    },
)


@given(FITTING)
def test_values_that_fit_are_accepted_unchanged_and_defaults_are_filled_in(values: dict[str, Any]):
    accepted = check_request({**ASKED, **values}, PLATFORM, with_parameters()).values
    assert accepted == {"seats": 5, **values}


@given(FITTING)
def test_a_text_may_spell_a_number_or_true_or_false(values: dict[str, Any]):
    """As a form and the command line send it."""
    spelled = {key: each if isinstance(each, str) else json.dumps(each) for key, each in values.items()}
    assert check_request({**ASKED, **spelled}, PLATFORM, with_parameters()).values == {"seats": 5, **values}


@given(TEXTS)
def test_every_text_of_a_free_parameter_is_accepted_unchanged(text: str):
    product = with_parameters({"note": {"type": "string"}})
    assert check_request({**ASKED, "note": text}, PLATFORM, product).values == {"note": text}


TOO_LARGE = "discount: must be a number from -9007199254740992 to 9007199254740992."
_ANYTHING = st.one_of(
    st.integers(),
    st.floats(),
    st.booleans(),
    st.text(max_size=30),
    st.lists(st.integers()),
    st.dictionaries(TEXTS, TEXTS),
)


@given(st.sampled_from(sorted(PROPERTIES)), _ANYTHING)
def test_a_value_is_accepted_or_refused_with_its_field_and_never_repeated(key: str, value: Any):
    parameter = next(each for each in with_parameters().parameters if each.key == key)
    refused: Refused | None = None
    accepted: dict[str, Any] = {}
    try:
        accepted = dict(check_request({**ASKED, key: value}, PLATFORM, with_parameters()).values)
    except Refused as refusal:
        refused = refusal
    assert key not in accepted or why_not_fitting(parameter.schema, accepted[key]) == ""
    if refused:
        assert (refused.field, list(refused.fields)) == (f"parameters.{key}", [f"parameters.{key}"])
        assert str(refused).startswith(f"{key}: must ")


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"seats": "many"}, {"seats": "seats: must be a whole number."}),
        ({"seats": 5.5}, {"seats": "seats: must be a whole number."}),
        ({"seats": True}, {"seats": "seats: must be a whole number."}),
        ({"seats": [5]}, {"seats": "seats: must be a whole number."}),
        ({"seats": "[5]"}, {"seats": "seats: must be a whole number."}),
        ({"seats": 100}, {"seats": "seats: must be at most 99."}),
        ({"seats": 10**400}, {"seats": "seats: must be at most 99."}),
        ({"discount": float("nan")}, {"discount": TOO_LARGE}),
        ({"discount": "-Infinity"}, {"discount": TOO_LARGE}),
        ({"trial": "yes"}, {"trial": "trial: must be true or false."}),
        ({"trial": 1}, {"trial": "trial: must be true or false."}),
        ({"tier": 7}, {"tier": "tier: must be a text."}),
        ({"tier": "a\0"}, {"tier": "tier: must not contain the character NUL (U+0000)."}),
        ({"smtp_password": "hunter2"}, {"smtp_password": f"smtp_password: {NOT_A_CONNECTION}."}),
        ({"smtp_password": "tenancy_ledger"}, {"smtp_password": f"smtp_password: {NOT_A_CONNECTION}."}),
        (
            {"seats": 0, "tier": "lead"},
            {"seats": "seats: must be at least 1.", "tier": "tier: must be one of basic, gold."},
        ),
    ],
)  # fmt: skip
def test_every_value_that_does_not_fit_has_a_sentence(values: dict[str, Any], fields: dict[str, str]):
    with pytest.raises(Refused) as refused:
        check_request({**ASKED, **values}, PLATFORM, with_parameters())
    assert refused.value.fields == {f"parameters.{key}": sentence for key, sentence in fields.items()}
    assert str(refused.value) == " ".join(fields.values())


def test_mistakes_of_fixed_fields_and_parameters_are_named_together():
    with pytest.raises(Refused) as refused:
        check_request({**ASKED, "slug": "X", "plan": "", "seats": 0}, PLATFORM, with_parameters())
    assert list(refused.value.fields) == ["slug", "plan", "parameters.seats"]


def test_a_field_that_nobody_filled_in_is_missing_or_has_its_default():
    parameters = with_parameters(required=("tier",)).parameters
    for nothing in ({}, {"tier": None, "seats": None}, {"tier": "", "seats": ""}):
        assert check_values(parameters, nothing) == ({"seats": 5}, {"tier": "is missing"})


def test_a_parameter_that_the_product_does_not_have_is_no_field():
    with pytest.raises(Refused, match=r"colour: no such field\. A request has slug, .*, smtp_password\.") as refused:
        check_request({**ASKED, "colour": "red"}, PLATFORM, with_parameters())
    assert refused.value.field == "colour"
    with pytest.raises(Refused, match="seats: no such field"):
        check_request({**ASKED, "seats": 5}, PLATFORM, SAMPLE)


def test_a_whole_float_becomes_an_int():
    (parameter,) = with_parameters({"seats": {"type": "integer", "default": 5.0}}).parameters
    assert isinstance(parameter, Parameter)
    values = [
        check_values([parameter], given)[0]["seats"]
        for given in ({}, {"seats": 7.0}, {"seats": "7e0"}, {"seats": -0.0})
    ]
    assert [(type(each), each) for each in values] == [(int, 5), (int, 7), (int, 7), (int, 0)]


def test_a_retry_asks_for_the_same_when_all_that_both_attempts_have_is_equal():
    """So a tenant that kept its resources can be retried although its product got or lost a parameter meanwhile."""
    fields = real_systems.request()
    before = Parameters(**fields, values={"seats": 5, "tier": "gold"})
    assert before.first_difference(Parameters(**fields, values={"tier": "gold", "colour": "red"})) is None
    assert before.first_difference(Parameters(**fields)) is None
    assert before.first_difference(Parameters(**fields, values={"seats": 6})) == "parameters.seats"
    assert before.first_difference(Parameters(**{**fields, "plan": "gold"}, values={"seats": 6})) == "plan"
