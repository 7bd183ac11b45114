"""Reads OpenMetrics text strictly, for tests: what the format forbids is an assertion that fails."""

import re
from dataclasses import dataclass, field

_META = re.compile(r"# (TYPE|UNIT|HELP) ([a-z_]+) (.+)")
_SAMPLE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\+Inf|-?[0-9.]+(?:e[+-]?[0-9]+)?)")
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')
_ESCAPES = {'\\"': '"', "\\\\": "\\", "\\n": "\n"}


@dataclass
class ReadFamily:
    kind: str = ""
    unit: str = ""
    help: str = ""
    samples: dict[frozenset[tuple[str, str]], float] = field(default_factory=dict)


@dataclass
class Document:
    families: dict[str, ReadFamily] = field(default_factory=dict)

    def value(self, name: str, **labels: str) -> float:
        return self.families[name].samples[frozenset(labels.items())]


def read(text: str) -> Document:
    """The families and their samples."""
    assert text.endswith("\n# EOF\n") or text == "# EOF\n", "it does not end with # EOF"
    document, current = Document(), ""
    for line in text.removesuffix("# EOF\n").splitlines():
        if meta := _META.fullmatch(line):
            current = _take_meta(document, current, *meta.groups())
        else:
            _take_sample(document, current, line)
    for name, family in document.families.items():
        assert family.kind in {"gauge", "summary"}, f"{name} has no type"
        assert not family.unit or name.endswith(f"_{family.unit}"), f"{name} does not end in its unit"
    return document


def _take_meta(document: Document, current: str, what: str, name: str, value: str) -> str:
    assert name == current or name not in document.families, f"{name} is told in two places"
    family = document.families.setdefault(name, ReadFamily())
    assert not family.samples, f"{name} is described after its samples"
    attribute = {"TYPE": "kind", "UNIT": "unit", "HELP": "help"}[what]
    assert not getattr(family, attribute), f"{name} has two of {what}"
    setattr(family, attribute, value)
    return name


def _take_sample(document: Document, current: str, line: str) -> None:
    found = _SAMPLE.fullmatch(line)
    assert found, f"no sample: {line}"
    name, labels, value = found.groups()
    assert name == current, f"{name} stands among the samples of {current}"
    key = frozenset(_labels(labels or ""))
    family = document.families[name]
    assert key not in family.samples, f"twice: {line}"
    family.samples[key] = float(value)


def _labels(text: str) -> list[tuple[str, str]]:
    found = list(_LABEL.finditer(text))
    assert "".join(each.group() for each in found) == text, f"no labels: {text}"
    return [
        (each.group(1), re.sub(r'\\["\\n]', lambda escape: _ESCAPES[escape.group()], each.group(2))) for each in found
    ]
