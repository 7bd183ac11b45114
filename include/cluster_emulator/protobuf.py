"""Reads the few Kubernetes protobuf messages that typed Go clients send: Helm's release Secrets, mainly.

`bodies.py` calls `decode`. client-go does not fall back to JSON on a 415, so these must be understood; field numbers
are from k8s.io/api/core/v1/generated.proto and apimachinery's meta/v1/generated.proto. Nothing is ever written.
"""

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from cluster_emulator import api_errors
from cluster_emulator.clock import STAMP
from cluster_emulator.objects import Json, Object

MAGIC: Final = b"k8s\x00"
CONTENT_TYPE: Final = "application/vnd.kubernetes.protobuf"

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def decode(raw: bytes) -> Object | None:
    """The document inside the envelope, None when its kind is not among those we read."""
    try:
        envelope = dict(_fields(raw[len(MAGIC) :]))
        type_meta = dict(_fields(envelope.get(1, b"")))
        api_version, kind = _text(type_meta.get(1, b"")), _text(type_meta.get(2, b""))
        read = _READERS.get(kind)
        if read is None:
            return None
        return {"apiVersion": api_version, "kind": kind, **read(envelope.get(2, b""))}
    except (IndexError, ValueError, TypeError) as error:
        raise api_errors.bad_request(f"unable to decode protobuf: {error}") from error


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _fields(raw: bytes) -> Iterator[tuple[int, Json]]:
    """(field number, int or bytes) in their order."""
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(raw, at)
            yield number, value
        elif wire == _BYTES:
            length, at = _varint(raw, at)
            yield number, raw[at : at + length]
            at += length
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
            yield number, raw[at : at + size]
            at += size
        else:
            raise ValueError(f"wire type {wire}")


def _text(raw: bytes) -> str:
    return raw.decode()


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _entry(raw: bytes, read: Callable[[bytes], str] = _text) -> dict[str, str]:
    pair = dict(_fields(raw))
    return {_text(pair.get(1, b"")): read(pair.get(2, b""))}


_META_TEXT: Final = {1: "name", 2: "generateName", 3: "namespace", 5: "uid", 6: "resourceVersion"}
_META_MAPS: Final = {11: "labels", 12: "annotations"}


def _metadata(raw: bytes) -> Object:
    metadata: Object = {}
    for number, value in _fields(raw):
        if number in _META_TEXT and value:
            metadata[_META_TEXT[number]] = _text(value)
        elif number in _META_MAPS:
            metadata.setdefault(_META_MAPS[number], {}).update(_entry(value))
        elif number == 8 and (seconds := dict(_fields(value)).get(1, 0)):
            metadata["creationTimestamp"] = datetime.fromtimestamp(seconds, UTC).strftime(STAMP)
        elif number == 13:
            metadata.setdefault("ownerReferences", []).append(_owner(value))
        elif number == 14:
            metadata.setdefault("finalizers", []).append(_text(value))
    return metadata


def _owner(raw: bytes) -> Object:
    names = {1: "kind", 3: "name", 4: "uid", 5: "apiVersion"}
    flags = {6: "controller", 7: "blockOwnerDeletion"}
    owner: Object = {}
    for number, value in _fields(raw):
        if number in names:
            owner[names[number]] = _text(value)
        elif number in flags:
            owner[flags[number]] = bool(value)
    return owner


def _secret(raw: bytes) -> Object:
    obj: Object = {"metadata": {}}
    for number, value in _fields(raw):
        if number == 1:
            obj["metadata"] = _metadata(value)
        elif number == 2:
            obj.setdefault("data", {}).update(_entry(value, _base64))
        elif number == 3:
            obj["type"] = _text(value)
        elif number == 4:
            obj.setdefault("stringData", {}).update(_entry(value))
        elif number == 5:
            obj["immutable"] = bool(value)
    return obj


def _config_map(raw: bytes) -> Object:
    obj: Object = {"metadata": {}}
    for number, value in _fields(raw):
        if number == 1:
            obj["metadata"] = _metadata(value)
        elif number == 2:
            obj.setdefault("data", {}).update(_entry(value))
        elif number == 3:
            obj.setdefault("binaryData", {}).update(_entry(value, _base64))
        elif number == 4:
            obj["immutable"] = bool(value)
    return obj


def _only_metadata(raw: bytes) -> Object:
    return {"metadata": _metadata(dict(_fields(raw)).get(1, b""))}


def _delete_options(raw: bytes) -> Object:
    options: Object = {}
    for number, value in _fields(raw):
        if number == 1:
            options["gracePeriodSeconds"] = value
        elif number == 2:
            options["preconditions"] = {"uid": _text(dict(_fields(value)).get(1, b""))}
        elif number == 4:
            options["propagationPolicy"] = _text(value)
        elif number == 5:
            options.setdefault("dryRun", []).append(_text(value))
    return options


def _nothing(_raw: bytes) -> Object:
    return {}


_READERS: Final[dict[str, Callable[[bytes], Object]]] = {
    "Secret": _secret,
    "ConfigMap": _config_map,
    "Namespace": _only_metadata,
    "DeleteOptions": _delete_options,
    "SelfSubjectAccessReview": _nothing,
}
