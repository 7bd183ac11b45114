"""Label and field selectors: parsed once for each request, evaluated once for each object.

List, watch, delete-collection, services and faults use it. Set-based expressions are the label syntax of the Kubernetes
documentation; a field selector may name only fields that the kind declares selectable, as in the real server.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from cluster_emulator import api_errors
from cluster_emulator.kinds import Kind
from cluster_emulator.objects import Object, lookup

Test: TypeAlias = Callable[[Mapping[str, str]], bool]

_COMMA_OUTSIDE_PARENS: Final = re.compile(r",(?![^(]*\))")
_SET: Final = re.compile(r"^([^\s!=]+)\s+(in|notin)\s+\(([^()]*)\)$")
_EQUALITY: Final = re.compile(r"^([^\s!=]+)\s*(==|=|!=)\s*([^\s!=]*)$")
_EXISTS: Final = re.compile(r"^(!?)\s*([^\s!=()]+)$")


@dataclass(frozen=True, slots=True)
class Selectable:
    """The fields of an object that a selector may use."""

    labels: Mapping[str, str]
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Selector:
    """The selection of a request; every test must match."""

    label_tests: tuple[Test, ...] = ()
    field_tests: tuple[Test, ...] = ()

    def matches(self, thing: Selectable) -> bool:
        return all(t(thing.labels) for t in self.label_tests) and all(t(thing.fields) for t in self.field_tests)

    @property
    def selects_all(self) -> bool:
        return not self.label_tests and not self.field_tests


def selectable(kind: Kind, obj: Object) -> Selectable:
    metadata = obj["metadata"]
    fields = {"metadata.name": metadata["name"], "metadata.namespace": metadata.get("namespace", "")}
    for name, path in kind.selectable.items():
        fields[name] = str(lookup(obj, *path) or "")
    return Selectable(metadata.get("labels") or {}, fields)


def parse_labels(text: str) -> tuple[Test, ...]:
    """Raises 400 on a text that is no label selector."""
    return tuple(_label_test(part.strip()) for part in _COMMA_OUTSIDE_PARENS.split(text) if part.strip())


def parse_fields(kind: Kind, text: str) -> tuple[Test, ...]:
    tests = []
    for part in filter(None, text.split(",")):
        match = _EQUALITY.match(part.strip())
        if match is None:
            raise api_errors.bad_request(f"invalid selector: '{text}'; can't understand '{part}'")
        key, operator, value = match.groups()
        if key not in ("metadata.name", "metadata.namespace", *kind.selectable):
            raise api_errors.bad_request(_unknown_field(kind, key))
        tests.append(_equality(key, operator, value))
    return tuple(tests)


def _unknown_field(kind: Kind, key: str) -> str:
    """Kinds with selectable fields of their own have another message than those without (Kubernetes 1.36)."""
    if kind.selectable:
        return f"field label not supported: {key}"
    return f'"{key}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def parse(kind: Kind, label_text: str, field_text: str) -> Selector:
    return Selector(parse_labels(label_text), parse_fields(kind, field_text))


def _label_test(part: str) -> Test:
    if match := _SET.match(part):
        key, operator, values = match.groups()
        return _membership(key, frozenset(v.strip() for v in values.split(",")), inside=operator == "in")
    if match := _EQUALITY.match(part):
        return _equality(*match.groups())
    if match := _EXISTS.match(part):
        return _existence(match[2], present=not match[1])
    raise api_errors.bad_request(f"unable to parse requirement: found '{part}', expected: label selector")


def _membership(key: str, values: frozenset[str], *, inside: bool) -> Test:
    return lambda labels: (labels.get(key) in values) == inside


def _equality(key: str, operator: str, value: str) -> Test:
    if operator == "!=":
        return lambda labels: labels.get(key) != value
    return lambda labels: labels.get(key) == value


def _existence(key: str, *, present: bool) -> Test:
    return lambda labels: (key in labels) == present


def from_label_selector(selector: Object) -> tuple[Test, ...]:
    """The same from a `LabelSelector` document (matchLabels, matchExpressions)."""
    tests = [_equality(key, "=", value) for key, value in (selector.get("matchLabels") or {}).items()]
    for desired in selector.get("matchExpressions") or []:
        operator, key = desired["operator"], desired["key"]
        if operator in ("In", "NotIn"):
            tests.append(_membership(key, frozenset(desired["values"]), inside=operator == "In"))
        else:
            tests.append(_existence(key, present=operator == "Exists"))
    return tuple(tests)


def all_hold(tests: tuple[Test, ...], labels: Mapping[str, str]) -> bool:
    return all(test(labels) for test in tests)
