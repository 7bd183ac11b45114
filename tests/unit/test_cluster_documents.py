"""The pure parts: patches, applied fields, selectors, quantities, shapes and protobuf."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cluster_emulator import protobuf, quantities
from cluster_emulator.api_errors import ApiError
from cluster_emulator.decoding import decode_as
from cluster_emulator.fieldsets import field_set, from_fields_v1, to_fields_v1, words
from cluster_emulator.kinds import DEPLOYMENT, KINDS, SECRET
from cluster_emulator.patches import json_patch, merge_patch
from cluster_emulator.schema import model
from cluster_emulator.selectors import all_hold, parse_labels
from cluster_emulator.strategic import strategic_merge
from tests.unit.cluster import deployment

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
NAMES = st.sampled_from("abc")
DOCUMENTS = st.dictionaries(
    NAMES, st.recursive(SCALARS, lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=4), max_size=3
)


@given(DOCUMENTS, DOCUMENTS)
def test_merging_twice_is_merging_once(target: dict[str, object], patch: dict[str, object]) -> None:
    once = merge_patch(target, patch)
    assert merge_patch(once, patch) == once
    assert strategic_merge(strategic_merge(target, patch), patch) == strategic_merge(target, patch)


def test_strategic_merge_obeys_its_directives() -> None:
    target = {"strategy": {"type": "RollingUpdate", "rollingUpdate": {}}, "finalizers": ["a", "b"], "args": ["x"]}
    patch = {
        "strategy": {"$retainKeys": ["type"], "type": "Recreate"},
        "$deleteFromPrimitiveList/finalizers": ["a"],
        "$setElementOrder/args": ["x"],
        "args": ["y"],
    }
    merged = strategic_merge(target, patch)
    assert merged == {"strategy": {"type": "Recreate"}, "finalizers": ["b"], "args": ["y"]}


def test_json_patch_never_changes_its_target() -> None:
    target = {"a": [1, 2]}
    assert json_patch(target, [{"op": "add", "path": "/a/-", "value": 3}]) == {"a": [1, 2, 3]}
    assert target == {"a": [1, 2]}


@pytest.mark.parametrize("operation", [{"op": "fly"}, {"op": "remove", "path": "/no/where"}, {}])
def test_json_patch_refuses_what_cannot_be_done(operation: dict[str, str]) -> None:
    with pytest.raises(ApiError):
        json_patch({"a": 1}, [operation])


def test_applied_fields_survive_their_written_form() -> None:
    paths = set(field_set(deployment(ports=[{"containerPort": 80, "protocol": "TCP"}])))
    assert set(from_fields_v1(to_fields_v1(paths))) == paths


def test_a_path_reads_as_in_a_conflict() -> None:
    paths = {words(path) for path in field_set(deployment())}
    assert '.spec.template.spec.containers[name="main"].image' in paths


@pytest.mark.parametrize(
    ("text", "expected"),
    [("500m", "0.5"), ("2", "2"), ("1Gi", "1073741824"), ("128Mi", "134217728"), ("1k", "1000"), ("1e3", "1000")],
)
def test_quantities(text: str, expected: str) -> None:
    assert quantities.parse(text) == quantities.parse(expected)


def test_a_quantity_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        quantities.parse("lots")


@pytest.mark.parametrize(("text", "resource"), [("500m", "limits.cpu"), ("3Gi", "requests.memory"), ("7", "pods")])
def test_quantities_are_written_as_they_were(text: str, resource: str) -> None:
    assert quantities.write(quantities.parse(text), resource) == text


@pytest.mark.parametrize(
    ("selector", "holds"),
    [
        ("a", True),
        ("!a", False),
        ("a=1", True),
        ("a!=1", False),
        ("b!=1", True),
        ("a in (1,2)", True),
        ("b notin (1)", True),
    ],
)
def test_label_tests(selector: str, holds: bool) -> None:
    assert all_hold(parse_labels(selector), {"a": "1"}) is holds


def test_every_kind_has_a_shape() -> None:
    assert all(model(kind.model_name) for kind in KINDS)


def test_unknown_fields_are_dropped_and_named() -> None:
    clean, unknown = decode_as(DEPLOYMENT, {"spec": {"replicas": 1, "x": 1, "template": {"spec": {"y": 2}}}})
    assert clean == {"spec": {"replicas": 1, "template": {"spec": {}}}}
    assert unknown == ["spec.x", "spec.template.spec.y"]


def test_quantities_may_be_numbers() -> None:
    container = {"name": "a", "resources": {"limits": {"cpu": 1}}}
    body = {"spec": {"template": {"spec": {"containers": [container]}}}}
    clean, _ = decode_as(DEPLOYMENT, body)
    assert clean["spec"]["template"]["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1"}}


@pytest.mark.parametrize("body", [{"metadata": 1}, {"data": {"k": 1}}, {"immutable": "yes"}])
def test_wrong_types_are_refused(body: dict[str, object]) -> None:
    with pytest.raises(ApiError, match="cannot be handled as a Secret: json: cannot unmarshal"):
        decode_as(SECRET, body)


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def pair(key: bytes, value: bytes) -> bytes:
    return field(1, key) + field(2, value)


def enveloped(kind: bytes, body: bytes) -> bytes:
    return protobuf.MAGIC + field(1, field(1, b"v1") + field(2, kind)) + field(2, body)


def test_a_secret_is_read_from_protobuf() -> None:
    metadata = field(1, b"release") + field(11, pair(b"owner", b"helm")) + field(8, field(1, 1_700_000_000))
    body = field(1, metadata) + field(2, pair(b"k", b"\x00\x01")) + field(3, b"t") + field(5, 1)
    assert protobuf.decode(enveloped(b"Secret", body)) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "release",
            "labels": {"owner": "helm"},
            "creationTimestamp": "2023-11-14T22:13:20Z",
        },
        "data": {"k": "AAE="},
        "type": "t",
        "immutable": True,
    }


def test_other_protobuf_messages_are_not_understood() -> None:
    assert protobuf.decode(enveloped(b"Pod", b"")) is None


def test_torn_protobuf_is_a_bad_request() -> None:
    with pytest.raises(ApiError, match="unable to decode protobuf"):
        protobuf.decode(protobuf.MAGIC + b"\x0a\xff")
