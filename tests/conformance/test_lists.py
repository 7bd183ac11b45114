"""Lists: selectors, pieces and versions."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import ApiException, CoreV1Api

from .manifests import config_map
from .server import eventually


def in_pieces(core: CoreV1Api, namespace: str, **options: Any) -> Iterator[list[str]]:
    """The names on each page, until the server says that there is no more."""
    token = None
    while True:
        piece = core.list_namespaced_config_map(namespace, _continue=token, **options)
        yield [item.metadata.name for item in piece.items]
        token = piece.metadata._continue
        if not token:
            return


@pytest.fixture
def fruit(core: CoreV1Api, namespace: str) -> str:
    eventually(lambda: core.list_namespaced_config_map(namespace).items)  # the CA bundle comes by itself
    for name, labels in {
        "apple": {"colour": "red", "size": "small"},
        "berry": {"colour": "blue", "size": "small"},
        "melon": {"colour": "green"},
    }.items():
        core.create_namespaced_config_map(namespace, config_map(name, labels={**labels, "fruit": "yes"}))
    return namespace


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("colour=red", ["apple"]),
        ("colour==red", ["apple"]),
        ("fruit,colour!=red", ["berry", "melon"]),
        ("colour in (red, blue)", ["apple", "berry"]),
        ("fruit,colour notin (red,blue)", ["melon"]),
        ("fruit,size", ["apple", "berry"]),
        ("fruit,!size", ["melon"]),
        ("size=small,colour=blue", ["berry"]),
        ("colour=none", []),
    ],
)
def test_label_selectors(core: CoreV1Api, fruit: str, selector: str, expected: list[str]) -> None:
    found = core.list_namespaced_config_map(fruit, label_selector=selector).items
    assert [item.metadata.name for item in found] == expected


def test_field_selectors_by_name(core: CoreV1Api, fruit: str) -> None:
    found = core.list_namespaced_config_map(fruit, field_selector="metadata.name=melon").items
    assert [item.metadata.name for item in found] == ["melon"]
    others = core.list_namespaced_config_map(fruit, field_selector="metadata.name!=melon", label_selector="fruit").items
    assert [item.metadata.name for item in others] == ["apple", "berry"]


def test_secrets_can_be_selected_by_type(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_secret(namespace, {"metadata": {"name": "plain"}})
    core.create_namespaced_secret(namespace, {"metadata": {"name": "special"}, "type": "example.com/special"})
    found = core.list_namespaced_secret(namespace, field_selector="type=example.com/special").items
    assert [item.metadata.name for item in found] == ["special"]


def test_an_unsupported_field_is_400(core: CoreV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        core.list_namespaced_config_map(namespace, field_selector="data.a=1")
    assert error.value.status == 400
    message = json.loads(error.value.body)["message"]
    assert message.startswith('"data.a" is not a known field selector: only "metadata.name", "metadata.namespace"')


def test_an_unsupported_field_of_a_kind_that_has_some_is_400(core: CoreV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        core.list_namespaced_pod(namespace, field_selector="spec.a=1")
    assert error.value.status == 400
    assert "field label not supported: spec.a" in error.value.body


def test_a_bad_label_selector_is_400(core: CoreV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        core.list_namespaced_config_map(namespace, label_selector="a in b")
    assert error.value.status == 400


def test_limit_and_continue_give_everything_once(core: CoreV1Api, fruit: str) -> None:
    pieces = list(in_pieces(core, fruit, limit=1))
    assert [name for piece in pieces for name in piece] == ["apple", "berry", "kube-root-ca.crt", "melon"]
    assert [len(piece) for piece in pieces] == [1, 1, 1, 1]


def test_with_a_selector_the_last_piece_may_be_empty(core: CoreV1Api, fruit: str) -> None:
    """A full page says `continue` as long as anything follows, whether the selector chooses it or not."""
    pieces = list(in_pieces(core, fruit, limit=1, field_selector="metadata.name!=melon", label_selector="fruit"))
    assert [name for piece in pieces for name in piece] == ["apple", "berry"]
    assert pieces[:2] == [["apple"], ["berry"]]
    assert pieces[2:] in ([], [[]])


def test_a_bad_continue_token_is_400(core: CoreV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        core.list_namespaced_config_map(namespace, limit=1, _continue="nonsense")
    assert error.value.status == 400


def test_lists_carry_a_version_to_watch_from(core: CoreV1Api, fruit: str) -> None:
    listed = core.list_namespaced_config_map(fruit)
    assert int(listed.metadata.resource_version) >= max(int(i.metadata.resource_version) for i in listed.items)


def test_lists_over_all_namespaces(core: CoreV1Api, fruit: str) -> None:
    found = core.list_config_map_for_all_namespaces(label_selector="fruit").items
    assert {item.metadata.namespace for item in found} >= {fruit}


def test_a_missing_namespace_lists_as_empty(core: CoreV1Api) -> None:
    assert core.list_namespaced_pod("conformance-nowhere").items == []
