"""The order of releasing: what can be refused comes before what destroys data."""

import pytest

from tenancy.activities.registry import maker_of_kind
from tenancy.engine.recovery.release_order import blocker_of, release_order
from tenancy.saga.states import ResourceState
from tenancy.saga.tenant import Resource
from tests.products import PLAN

KINDS = [kind for activity in PLAN for kind in activity.resources]


def _made(*kinds: str) -> tuple[Resource, ...]:
    return tuple(Resource(kind, "acme", "proof", maker_of_kind(kind).name, ResourceState.PRESENT) for kind in kinds)


def _kinds(resources: tuple[Resource, ...]) -> list[str]:
    return [resource.kind for resource in resources]


def test_the_database_is_dropped_before_its_schema_counts_as_released_and_before_its_role():
    order = _kinds(release_order(_made(*KINDS)))
    assert order.index("database") < order.index("schema")
    assert order.index("database") < order.index("role")


def test_everything_else_is_released_last_made_first():
    order = _kinds(release_order(_made(*KINDS)))
    apart = [kind for kind in KINDS if kind != "schema"]
    assert [kind for kind in order if kind != "schema"] == apart[::-1]


@pytest.mark.parametrize("left", [KINDS[:size] for size in range(len(KINDS) + 1)])
def test_every_resource_is_released_once_whatever_is_left(left: list[str]):
    assert sorted(_kinds(release_order(_made(*left)))) == sorted(left)


@pytest.mark.parametrize("kind", ["schema", "role"])
def test_a_resource_waits_only_while_what_it_waits_for_is_there(kind: str):
    (resource,) = _made(kind)
    database = _made("database")[0]
    assert blocker_of(resource, (resource, database)) == database
    assert blocker_of(resource, (resource,)) is None


def test_a_kind_whose_activity_is_retired_keeps_its_place():
    retired = Resource("bucket", "acme", "proof", PLAN[0].name, ResourceState.PRESENT)
    assert _kinds(release_order((*_made("role", "database"), retired))) == ["bucket", "database", "role"]
