"""System identity: who may answer for a resource, and what an absence looks like in a cluster's own format."""

import json
from typing import Any

import pytest

from tenancy.adapters.absence import states_kubernetes_absence
from tenancy.saga.errors import OtherSystemError
from tenancy.saga.systems import ANY_SYSTEM, ExpectedSystem, accepted_for, is_lost

PATH = "/api/v1/namespaces/acme-1"
STATUS: dict[str, Any] = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "message": 'namespaces "acme-1" not found',
    "reason": "NotFound",
    "details": {"name": "acme-1", "kind": "namespaces"},
    "code": 404,
}


def test_an_api_servers_status_about_this_object_states_its_absence():
    assert states_kubernetes_absence(PATH, json.dumps(STATUS))
    assert states_kubernetes_absence(PATH, json.dumps(STATUS).encode())


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "Error"},
        {"apiVersion": "v2"},
        {"reason": "Forbidden"},
        {"reason": None},
        {"details": None},
        {"details": {}},
        {"details": "acme-1"},
        {"details": {"name": "acme-2", "kind": "namespaces"}},
        {"details": {"name": "acme-1", "kind": "secrets"}},
    ],
    ids=str,
)
def test_any_other_status_does_not(changes: dict[str, Any]):
    assert not states_kubernetes_absence(PATH, json.dumps({**STATUS, **changes}))


@pytest.mark.parametrize("body", ["404 page not found", "<html>", "", None, b"", "[]", "null", '"NotFound"', "{"])
def test_nor_does_anything_that_is_no_status(body: str | bytes | None):
    assert not states_kubernetes_absence(PATH, body)


def test_only_the_recorded_system_and_its_declared_successors_may_answer():
    replaced = {"kubernetes:a": "kubernetes:b", "kubernetes:b": "kubernetes:c"}
    expected = ExpectedSystem(accepted_for("kubernetes:a", replaced), "tenancy_cluster_eu", "acme")
    for accepted in ("kubernetes:a", "kubernetes:b", "kubernetes:c"):
        expected.require(accepted, "the cluster of region eu")
    for other in ("kubernetes:d", "postgresql:a", ""):
        with pytest.raises(OtherSystemError) as error:
            expected.require(other, "the cluster of region eu")
        for word in ("The cluster of region eu", "acme", "recorded kubernetes:a", "tenancy_cluster_eu", "Nothing was"):
            assert word in str(error.value)


def test_where_nothing_was_recorded_nothing_is_compared():
    ANY_SYSTEM.require("kubernetes:a", "the cluster")
    ANY_SYSTEM.require("", "the cluster")


def test_declarations_that_go_in_circles_end():
    assert accepted_for("a:1", {"a:1": "a:2", "a:2": "a:1"}) == ("a:1", "a:2")
    assert not is_lost("a:1", {"a:1": "a:2", "a:2": "a:1"})


def test_a_system_is_lost_when_it_or_its_successor_is_declared_so():
    replaced = {"a:1": "a:2", "a:2": "lost"}
    assert [is_lost(system, replaced) for system in ("a:1", "a:2", "a:3", "")] == [True, True, False, False]
    assert accepted_for("a:1", replaced) == ("a:1", "a:2")
