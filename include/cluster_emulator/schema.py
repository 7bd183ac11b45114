"""The shape of every Kubernetes type, read from the official Python client's generated models.

`decoding.py` asks it. The models' source is read, not imported: importing the client costs 1.1 s and 100 MB
(kubernetes 36.0.3), reading the forty files one cluster needs costs milliseconds. It knows shapes only; what the
API server checks beyond them is in `validation.py`.
"""

import ast
import importlib.util
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_INDEX_LINE = re.compile(r"^from kubernetes\.client\.models\.(\w+) import (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Model:
    """One type: JSON field name -> the generator's type name (`list[V1Container]`, `dict[str, str]`, `int`)."""

    name: str
    fields: dict[str, str]


@cache
def _folder() -> Path:
    found = importlib.util.find_spec("kubernetes")
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("the kubernetes Python client is not installed")
    return Path(found.submodule_search_locations[0]) / "client" / "models"


@cache
def _modules() -> dict[str, str]:
    index = (_folder() / "__init__.py").read_text(encoding="utf-8")
    return {class_name: module for module, class_name in _INDEX_LINE.findall(index)}


def _table(source: str, name: str) -> dict[str, str]:
    start = source.index("{", source.index(f"    {name} = "))
    table: dict[str, str] = ast.literal_eval(source[start : source.index("}", start) + 1])
    return table


@cache
def model(name: str) -> Model | None:
    """The model called `name`, None when the client knows none."""
    module = _modules().get(name)
    if module is None:
        return None
    source = (_folder() / f"{module}.py").read_text(encoding="utf-8")
    types, json_names = _table(source, "openapi_types"), _table(source, "attribute_map")
    return Model(name, {json_names[attribute]: type_name for attribute, type_name in types.items()})
