"""Watches through the official client: what comes, in which order, from when, and when it is too late."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from kubernetes.client import ApiException, CoreV1Api
from kubernetes.watch import Watch

from .manifests import config_map

SECONDS = 2
COMPACTED_SECONDS = 15 * 60
"""etcd forgets history every five minutes (kube-apiserver, --etcd-compaction-interval)."""


def age_seconds(core: CoreV1Api) -> float:
    """Of the cluster, by its oldest namespace."""
    born = core.read_namespace("kube-system").metadata.creation_timestamp
    return (datetime.now(UTC) - born).total_seconds()


def version(core: CoreV1Api, namespace: str) -> str:
    return str(core.list_namespaced_config_map(namespace).metadata.resource_version)


def watched(core: CoreV1Api, namespace: str, **options: Any) -> Iterator[tuple[str, str]]:
    options = {"timeout_seconds": SECONDS, "field_selector": "metadata.name!=kube-root-ca.crt", **options}
    for event in Watch().stream(core.list_namespaced_config_map, namespace, **options):
        yield event["type"], event["object"].metadata.name


def first(events: Iterator[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    return [event for event, _ in zip(events, range(count), strict=False)]


def raw(core: CoreV1Api, namespace: str, **options: Any) -> list[dict[str, Any]]:
    """Every line of a watch, bookmarks included, which `Watch` keeps to itself."""
    response = core.list_namespaced_config_map(
        namespace, watch=True, _preload_content=False, timeout_seconds=1, **options
    )
    lines = response.read().decode().splitlines()
    response.release_conn()
    return [json.loads(line) for line in lines]


def test_changes_come_in_order(core: CoreV1Api, namespace: str) -> None:
    since = version(core, namespace)
    core.create_namespaced_config_map(namespace, config_map("w"))
    core.patch_namespaced_config_map("w", namespace, {"data": {"a": "2"}})
    core.delete_namespaced_config_map("w", namespace)
    events = first(watched(core, namespace, resource_version=since), 3)
    assert events == [("ADDED", "w"), ("MODIFIED", "w"), ("DELETED", "w")]


def test_without_a_version_it_begins_with_what_is_there(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map("old"))
    assert first(watched(core, namespace), 1) == [("ADDED", "old")]


def test_what_comes_to_match_is_added_and_what_stops_is_deleted(core: CoreV1Api, namespace: str) -> None:
    since = version(core, namespace)
    core.create_namespaced_config_map(namespace, config_map("w"))
    for colour in ("red", "blue"):
        core.patch_namespaced_config_map("w", namespace, {"metadata": {"labels": {"colour": colour}}})
    events = watched(core, namespace, resource_version=since, label_selector="colour=red")
    assert first(events, 2) == [("ADDED", "w"), ("DELETED", "w")]


def test_one_object_can_be_watched_by_name(core: CoreV1Api, namespace: str) -> None:
    since = version(core, namespace)
    for name in ("a", "b"):
        core.create_namespaced_config_map(namespace, config_map(name))
    events = watched(core, namespace, resource_version=since, field_selector="metadata.name=b")
    assert first(events, 1) == [("ADDED", "b")]


def test_it_ends_after_the_requested_time(core: CoreV1Api, namespace: str) -> None:
    since = version(core, namespace)
    quiet = {"resource_version": since, "field_selector": "metadata.name=nobody"}
    assert raw(core, namespace, **quiet) == []


def test_a_version_from_long_ago_is_410(core: CoreV1Api, namespace: str) -> None:
    """A server that has just started may still have all of its history: then the watch begins with it."""
    try:
        lines = raw(core, namespace, resource_version="1")
        code = lines[0]["object"]["code"] if lines and lines[0]["type"] == "ERROR" else 200
    except ApiException as error:  # before the stream or as its first event: both are the protocol
        code = error.status
    assert code == 410 or (code == 200 and age_seconds(core) < COMPACTED_SECONDS)


def test_bookmarks_have_the_current_resource_version(core: CoreV1Api, namespace: str) -> None:
    since = version(core, namespace)
    lines = raw(core, namespace, resource_version=since, allow_watch_bookmarks=True)
    for line in lines:
        assert line["type"] == "BOOKMARK"
        assert int(line["object"]["metadata"]["resourceVersion"]) >= int(since)


def test_a_watch_list_says_where_its_beginning_ends(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map("w"))
    lines = raw(
        core,
        namespace,
        send_initial_events=True,
        resource_version_match="NotOlderThan",
        allow_watch_bookmarks=True,
        field_selector="metadata.name=w",
    )
    assert (lines[0]["type"], lines[0]["object"]["metadata"]["name"]) == ("ADDED", "w")
    end = lines[1]["object"]
    assert (lines[1]["type"], end["kind"]) == ("BOOKMARK", "ConfigMap")
    assert end["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_an_initial_list_needs_a_matching_rule(core: CoreV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        raw(core, namespace, send_initial_events=True)
    assert error.value.status == 422
