"""The platform file: every mistake is named by its place, all at once."""

import copy
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import sandbox
from tenancy.adapters.platform_file import parse_platform
from tenancy.saga.errors import PlatformFileError
from tenancy.saga.platform import Platform

SHIPPED = Path(sandbox.__file__).parent / "platform.toml"
REGION, PLAN = "regions.eu-central", "plans.starter"


ACTIVITIES = ("validate_request", "mark_active")


def parse(document: dict[str, Any]) -> Platform:
    return parse_platform(document, ACTIVITIES)


@pytest.fixture
def document() -> dict[str, Any]:
    return tomllib.loads(SHIPPED.read_text())


def _set(document: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    """The same document with one place changed; `...` removes it."""
    changed = copy.deepcopy(document)
    table, (*path, last) = changed, place.split(".")
    for step in path:
        table = table[step]
    table.pop(last, None) if value is ... else table.__setitem__(last, value)
    return changed


def test_the_sandboxs_platform_file_is_right(document: dict[str, Any]):
    platform = parse(document)
    assert platform.name == "sandbox"
    assert set(platform.regions) == {"eu-central", "us-east"}
    assert platform.plans["starter"].quota is None
    assert platform.plans["business"].quota == 200


def test_stall_limits_are_minutes_and_may_be_left_out(document: dict[str, Any]):
    assert parse(_set(document, "stall_limits_minutes", ...)).stall_limits == {}
    limits = parse(_set(document, "stall_limits_minutes", {"mark_active": 2.5})).stall_limits
    assert limits == {"mark_active": timedelta(seconds=150)}


@pytest.mark.parametrize(
    ("place", "value", "complaint"),
    [
        ("platform", ..., "[platform] name must be a lower-case word"),
        ("platform", "sandbox", "[platform] must be a table"),
        ("platform.name", "", "[platform] name must be a lower-case word"),
        ("platform.name", "Sand Box", "[platform] name must be a lower-case word"),
        ("platform.name", "a:b", "[platform] name must be a lower-case word"),
        ("platform.name", 5, "[platform] name must be a lower-case word"),
        ("platform.nmae", "x", "[platform] has an unknown key nmae"),
        ("region", {}, "unknown section [region]"),
        ("regions", ..., "there is no [regions.<name>]"),
        ("regions", {}, "there is no [regions.<name>]"),
        ("regions", "eu", "there is no [regions.<name>]"),
        ("plans", [], "there is no [plans.<name>]"),
        (REGION, "eu", "[regions.eu-central] must be a table"),
        ("regions.EU", {}, "[regions.EU] must have a lower-case name"),
        (f"{REGION}.storage_connection", ..., "[regions.eu-central] lacks storage_connection"),
        (f"{REGION}.storage_connection", " ", "[regions.eu-central] storage_connection must be a text"),
        (f"{REGION}.capacity", 0, "[regions.eu-central] capacity must be a positive whole number"),
        (f"{REGION}.capacity", -1, "[regions.eu-central] capacity must be a positive whole number"),
        (f"{REGION}.capacity", True, "[regions.eu-central] capacity must be a positive whole number"),
        (f"{REGION}.capacity", 2.5, "[regions.eu-central] capacity must be a positive whole number"),
        (f"{REGION}.capacity", "many", "[regions.eu-central] capacity must be a positive whole number"),
        (f"{REGION}.offered", "no", "[regions.eu-central] offered must be true or false"),
        (f"{PLAN}.offered", 0, "[plans.starter] offered must be true or false"),
        (f"{REGION}.connections", "x", "[regions.eu-central] connections must be a table of kind of system"),
        (f"{REGION}.connections", {"object_store": 5}, "[regions.eu-central] connections must be a table"),
        (f"{REGION}.quota", 5, "[regions.eu-central] has an unknown key quota"),
        (f"{REGION}.capacty", 5, "[regions.eu-central] has an unknown key capacty"),
        (f"{PLAN}.replicas", ..., "[plans.starter] lacks replicas"),
        (f"{PLAN}.quota", 0, "[plans.starter] quota must be a positive whole number"),
        (f"{PLAN}.workflow_pool", 5, "[plans.starter] workflow_pool must be a text"),
        (f"{PLAN}.cpu", "a lot", "[plans.starter] cpu must be a Kubernetes quantity"),
        (f"{PLAN}.memory", "128 MB", "[plans.starter] memory must be a Kubernetes quantity"),
        ("stall_limits_minutes", 5, "[stall_limits_minutes] must be a table"),
        (
            "stall_limits_minutes",
            {"mark_actve": 5},
            "[stall_limits_minutes] has no mark_actve to limit (there are: validate_request, mark_active, provisioning",
        ),
        ("stall_limits_minutes", {"mark_active": 0}, "[stall_limits_minutes] mark_active must be a positive number"),
        (
            "stall_limits_minutes",
            {"mark_active": float("inf")},
            "[stall_limits_minutes] mark_active must be a positive",
        ),
        (
            "stall_limits_minutes",
            {"mark_active": float("nan")},
            "[stall_limits_minutes] mark_active must be a positive",
        ),
        ("stall_limits_minutes", {"mark_active": True}, "[stall_limits_minutes] mark_active must be a positive number"),
        ("stall_limits_minutes", {"mark_active": "5"}, "[stall_limits_minutes] mark_active must be a positive number"),
    ],
)
def test_a_mistake_is_named_by_its_place(document: dict[str, Any], place: str, value: Any, complaint: str):
    with pytest.raises(PlatformFileError) as wrong:
        parse(_set(document, place, value))
    assert complaint in str(wrong.value)


def test_all_mistakes_are_named_at_once(document: dict[str, Any]):
    for place, value in (("platform.name", 5), (f"{REGION}.capacity", 0), (f"{PLAN}.cpu", ...), ("extra", 1)):
        document = _set(document, place, value)
    with pytest.raises(PlatformFileError) as wrong:
        parse(document)
    assert str(wrong.value) == (
        "The platform file is wrong: unknown section [extra]; [platform] name must be a lower-case word; "
        "[regions.eu-central] capacity must be a positive whole number; [plans.starter] lacks cpu."
    )


def test_an_empty_file_is_refused_with_what_it_lacks():
    with pytest.raises(PlatformFileError, match=r"name must be.*\[regions\.<name>\].*\[plans\.<name>\]"):
        parse({})


def test_a_retired_plan_or_region_is_known_and_not_offered(document: dict[str, Any]):
    retired = _set(_set(document, f"{PLAN}.offered", False), f"{REGION}.offered", False)
    platform = parse(retired)
    assert {"starter", "business"} == set(platform.plans)
    assert (platform.offered_plans, platform.offered_regions) == (("business",), ("us-east",))


def test_a_platform_offers_at_least_one_plan_and_one_region(document: dict[str, Any]):
    for section in ("plans", "regions"):
        nothing = document
        for name in document[section]:
            nothing = _set(nothing, f"{section}.{name}.offered", False)
        with pytest.raises(PlatformFileError, match=rf"\[{section}\] offers none: at least one must not have"):
            parse(nothing)


@pytest.mark.parametrize(
    ("recorded", "successor", "complaint"),
    [
        ("kubernetes:a", 5, "must be another system's identity"),
        ("kubernetes:a", "", "must be another system's identity"),
        ("kubernetes:a", "gone", "must be another system's identity"),
        ("kubernetes:a", "kubernetes:a", "must be another system's identity"),
        ("the old cluster", "kubernetes:b", "is no identity of a system"),
    ],
)
def test_a_replaced_system_and_its_successor_are_identities(
    document: dict[str, Any], recorded: str, successor: Any, complaint: str
):
    with pytest.raises(PlatformFileError, match=complaint):
        parse(_set(document, "replaced_systems", {recorded: successor}))


def test_a_lost_system_and_a_replaced_one_are_declared_in_the_platform_file(document: dict[str, Any]):
    declared = {"kubernetes:a": "kubernetes:b", "postgresql:1": "lost"}
    assert parse(_set(document, "replaced_systems", declared)).replaced_systems == declared
