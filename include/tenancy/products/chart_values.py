"""Values that do not fit a chart's schema, one sentence each: from the text in which Helm lists them all."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import yaml

from tenancy.saga.product import Product

_MISTAKE: Final = re.compile(r"(?:(\S+): )?- at '([^']*)': (.*?)(?= (?:\S+: )?- at '|$)")
"""Chart, path and what is wrong there (Helm 4.2.3). Only the first mistake of a chart has its name."""
_OF_KEYS: Final = {"additional propert": "not allowed", "missing propert": "missing"}


def is_of_values(finding: str) -> bool:
    """Is it one of the findings of `helm lint` that `value_problems` names?"""
    return bool(_MISTAKE.search(finding))


def value_problems(product: Product, chart: Path, message: str) -> list[str]:
    """One sentence for each value; none if Helm's message is not about the schema."""
    assert product.values is not None  # a product with a chart has a template
    file, own, schema = product.values.relative_to(product.folder), _name_of(chart), f"{chart.name}/values.schema.json"
    problems, subchart = [], ""
    for named, path, what in _MISTAKE.findall(message):
        subchart = ("" if named == own else named) if named else subchart
        where = schema if not subchart else f"the subchart {subchart}"
        keys = [key for key in (subchart, *path.split("/")) if key]
        problems += [f"{file}: {place}: {wrong} ({where})" for place, wrong in _places(keys, what)]
    return list(dict.fromkeys(problems))


def _places(keys: list[str], what: str) -> Iterator[tuple[str, str]]:
    """Each value at fault, and why. Helm names keys that are missing or too many at the mapping around them."""
    wrong = next((words for start, words in _OF_KEYS.items() if what.startswith(start)), None)
    if wrong is None:
        yield ".".join(keys) or "the values", what
        return
    yield from ((".".join([*keys, key]), wrong) for key in re.findall(r"'([^']*)'", what))


def _name_of(chart: Path) -> str:
    return str(yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8")).get("name"))
