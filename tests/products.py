"""The product of most tests: products/sample, with its plan."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.layout import PROJECT
from tenancy.activities import plan, registry
from tenancy.adapters.parameter_schema import read_schema
from tenancy.adapters.product_file import chart_version, load_product, newest_revision
from tenancy.saga.errors import ProductFileError
from tenancy.saga.product import Product

SAMPLE = load_product(PROJECT / "products" / "sample", plan.plan_problems)
registry.install_containers(SAMPLE.containers)
PLAN = plan.plan_of(SAMPLE)
PLAN_ENTRIES = plan.plan_entries(SAMPLE)
CHART = PROJECT / "products" / "sample" / "chart"
SCRIPTS = PROJECT / "products" / "sample" / "migrations"
ADMIN_STATEMENTS = PROJECT / "products" / "sample" / "admin"
CHART_VERSION = chart_version(SAMPLE)
SCHEMA_VERSION = newest_revision(SAMPLE)


@dataclass(frozen=True)
class FewProducts:
    """Products of a test: name -> a function that loads it, the default one's first."""

    loaders: Mapping[str, Callable[[], Product]]

    @property
    def default_name(self) -> str:
        return next(iter(self.loaders))

    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self.loaders))

    def named(self, name: str) -> Product:
        if name not in self.loaders:
            raise ProductFileError(f"There is no product {name}.")
        return self.loaders[name]()


def only(load: Callable[[], Product]) -> FewProducts:
    """One product in the place of the sample."""
    return FewProducts({SAMPLE.name: load})


SAMPLE_ONLY = only(lambda: SAMPLE)
PROPERTIES: dict[str, dict[str, Any]] = {
    "seats": {
        "type": "integer",
        "title": "Seats",
        "description": "How many.",
        "default": 5,
        "minimum": 1,
        "maximum": 99,
    },
    "tier": {"type": "string", "enum": ["basic", "gold"]},
    "discount": {"type": "number", "maximum": 0.5},
    "trial": {"type": "boolean"},
    "cost_centre": {"type": "string", "pattern": "^CC-[0-9]{4}$", "examples": ["CC-0042"]},
    "smtp_password": {"type": "string", "writeOnly": True},
}
"""A parameter of each kind."""
_SHOWN = """
apiVersion: v1
kind: ConfigMap
metadata: {name: parameters}
data: {seats: "{{ .Values.global.seats }}", tier: "{{ .Values.global.tier }}"}
---
apiVersion: v1
kind: Secret
metadata: {name: smtp}
stringData: {password: "{{ .Values.global.password }}"}
"""
_VALUES = """
global:
  seats: {{ parameters.seats }}
  tier: {{ parameters.tier }}
  password: {{ secrets.parameters.smtp_password }}
"""


def with_parameters(properties: dict[str, Any] = PROPERTIES, *, required: tuple[str, ...] = ()) -> Product:
    """The sample with parameters of its own."""
    schema = {"type": "object", "properties": properties, "required": list(required)}
    parameters, problems = read_schema(json.dumps(schema))
    assert problems == []
    return replace(SAMPLE, parameters=parameters)


def write_product_with_parameters(folder: Path, properties: dict[str, Any] = PROPERTIES) -> Product:
    """The sample as a product of its own in this folder, whose chart has the parameters `seats` and `tier` in a
    ConfigMap and the secret `smtp_password` in a Secret."""
    shutil.copytree(SAMPLE.folder, folder)
    schema = {"type": "object", "properties": properties}
    (folder / "parameters.schema.json").write_text(json.dumps(schema))
    file = folder / "product.toml"
    file.write_text(
        f'parameters = "parameters.schema.json"\n{file.read_text()}'.replace('"sample"', f'"{folder.name}"')
    )
    (folder / "chart" / "templates" / "parameters.yaml").write_text(_SHOWN)
    with (folder / "values.yaml.j2").open("a") as values:
        values.write(_VALUES)
    return load_product(folder, plan.plan_problems)
