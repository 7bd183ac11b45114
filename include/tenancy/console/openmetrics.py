"""The text that Prometheus and its like read: OpenMetrics 1.0. Pure; what is measured is said by metrics_view.py.

https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

CONTENT_TYPE: Final = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True)
class Sample:
    """One number and the labels that tell it from the others of its family."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Family:
    """Numbers of one name. A name that ends in `_seconds` states its unit."""

    name: str
    help: str
    samples: tuple[Sample, ...]
    kind: Literal["gauge", "summary"] = "gauge"


def gauge(name: str, help: str, *samples: Sample) -> Family:  # noqa: A002 - the format's word
    """How much there is now."""
    return Family(name, help, samples)


def sample(value: float, **labels: str) -> Sample:
    """One number."""
    return Sample(value, labels)


def exposition(families: Iterable[Family]) -> str:
    """The whole document."""
    return "".join(_family(family) for family in families) + "# EOF\n"


def _family(family: Family) -> str:
    head = [f"# TYPE {family.name} {family.kind}"]
    if family.name.endswith("_seconds"):
        head.append(f"# UNIT {family.name} seconds")
    head.append(f"# HELP {family.name} {_escaped(family.help)}")
    return "".join(f"{line}\n" for line in [*head, *(_line(family.name, each) for each in family.samples)])


def _line(name: str, each: Sample) -> str:
    labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in each.labels.items())
    return f"{name}{{{labels}}} {_number(each.value)}" if labels else f"{name} {_number(each.value)}"


def _number(value: float) -> str:
    return "+Inf" if value == float("inf") else f"{value:.10g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
