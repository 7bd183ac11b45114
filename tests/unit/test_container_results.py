"""What an image may return, and the sentence for everything else."""

import json
from typing import Any

import pytest

from tenancy.activities.container_results import (
    ContainerResultError,
    Found,
    FoundObject,
    foreign_owner,
    objects_of,
    observation_of,
    outputs_of,
    require_nothing_else,
    result_of,
)


def no_log() -> str:
    raise AssertionError("the log is not needed")


def test_a_result_is_a_json_object() -> None:
    assert result_of('{"outputs": {"address": "a@b"}}\n') == {"outputs": {"address": "a@b"}}


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ("", "it wrote no result"),
        (" \n", "it wrote no result"),
        ("{", "its result is not JSON: '{'"),
        ("[" * 4000, "its result is not JSON"),
        ("3", "its result must be a JSON object, and is '3'"),
        (json.dumps({"outputs": "x" * 5000})[-4096:], "its result has 4096 bytes or more"),
        ("ü" * 2048, "its result has 4096 bytes or more"),
    ],
)
def test_any_other_message_is_a_sentence(message: str, complaint: str) -> None:
    with pytest.raises(ContainerResultError) as error:
        result_of(message)
    assert complaint in str(error.value)
    assert len(str(error.value)) < 400


def test_run_returns_outputs_or_a_foreign_owner() -> None:
    assert outputs_of({"outputs": {"a": 1}}) == {"a": 1}
    assert outputs_of({}) == {}
    assert foreign_owner({"foreign": ""}) == ""
    assert foreign_owner({}) is None


@pytest.mark.parametrize(
    ("result", "complaint"),
    [
        ({"outputs": []}, "outputs must be an object"),
        ({"output": {}}, "unknown key 'output' (there are: foreign, outputs)"),
    ],
)
def test_run_returns_nothing_else(result: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContainerResultError) as error:
        outputs_of(result)
    assert complaint in str(error.value)


@pytest.mark.parametrize("outputs", [{"url": "https://me:s3cret-word@mail"}, {"key": "s3cret-word"}])
def test_an_output_with_a_password_is_a_wrong_result_which_does_not_show_it(outputs: dict[str, Any]) -> None:
    with pytest.raises(ContainerResultError, match="has the password of a connection") as error:
        outputs_of({"outputs": outputs}, ["s3cret-word"])
    assert "s3cret-word" not in str(error.value)


def test_a_short_password_is_refused_only_as_a_whole_output() -> None:
    assert outputs_of({"outputs": {"address": "test@mail.example"}}, ["test"])
    with pytest.raises(ContainerResultError, match="has the password of a connection"):
        outputs_of({"outputs": {"key": "test"}}, ["test"])


def test_compensate_returns_nothing() -> None:
    require_nothing_else({})
    with pytest.raises(ContainerResultError, match="unknown key 'deleted'"):
        require_nothing_else({"deleted": True})


def test_observe_says_what_is_there() -> None:
    assert observation_of({"present": True}) == Found(present=True, healthy=True)
    assert observation_of({"present": False}) == Found(present=False, healthy=False)
    assert observation_of({"present": True, "healthy": False, "why": "it\nis full"}) == Found(
        present=True, healthy=False, why="it is full"
    )


@pytest.mark.parametrize(
    ("result", "complaint"),
    [
        ({}, "present must be true or false"),
        ({"present": 1}, "present must be true or false"),
        ({"present": False, "healthy": True}, "healthy = true and present = false"),
        ({"present": True, "healthy": False}, "healthy = false without a why"),
        ({"present": True, "why": 3}, "why must be a text"),
    ],
)
def test_observe_contradicts_itself_nowhere(result: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContainerResultError) as error:
        observation_of(result)
    assert complaint in str(error.value)


def test_discover_returns_objects_here_or_in_the_log() -> None:
    found = (FoundObject("a", "p:1"), FoundObject("b", "p:2"))
    listed = [{"name": "a", "proof": "p:1"}, {"name": "b", "proof": "p:2"}]
    assert objects_of({"objects": listed}, no_log) == found
    log = "looking\n" + "\n".join(json.dumps(each) for each in listed)
    assert objects_of({"objects_in_log": 2}, lambda: log) == found


@pytest.mark.parametrize(
    ("result", "log", "complaint"),
    [
        ({}, "", "either objects or objects_in_log"),
        ({"objects": [], "objects_in_log": 0}, "", "either objects or objects_in_log"),
        ({"objects": {}}, "", "objects must be a list"),
        ({"objects": [{"name": "a"}]}, "", "each object must have name and proof"),
        ({"objects_in_log": True}, "", "objects_in_log must be a whole number"),
        ({"objects_in_log": 2}, '{"name": "a", "proof": "p"}', "2 objects are in the log, and 1 are"),
        ({"objects_in_log": 1}, '{"name":', "a line of its log is not JSON"),
    ],
)
def test_discover_that_is_incomplete_finds_nothing(result: dict[str, Any], log: str, complaint: str) -> None:
    with pytest.raises(ContainerResultError) as error:
        objects_of(result, lambda: log)
    assert complaint in str(error.value)
