"""docs/extending/images-and-addresses.md, done as it says: Helm renders each example, and the check accepts it."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox.layout import PROJECT
from tenancy.activities.plan import plan_problems
from tenancy.adapters import manifests
from tenancy.adapters.helm import Helm, Release
from tenancy.adapters.product_file import load_product
from tenancy.adapters.values_template import render_values
from tenancy.products.check import check_product
from tenancy.products.example_tenant import example_variables
from tenancy.products.starting_point import write_starting_point
from tests.documentation.test_your_product import put

PAGE = PROJECT / "docs" / "extending" / "images-and-addresses.md"
SCHEMA, VALUES, SECRET, PULL, PROPERTY, INGRESS, ROUTE = (
    text
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    if language != "sh"
)


@pytest.fixture
def crm(tmp_path: Path) -> Path:
    write_starting_point(tmp_path / "crm")
    return tmp_path / "crm"


def rendered(folder: Path) -> dict[str, dict[str, Any]]:
    """What Helm makes of it, by kind. The check must have no complaint."""
    assert check_product(folder) == []
    product = load_product(folder, plan_problems)
    values = render_values(product, example_variables(product))
    files = Helm(lambda: "", "nowhere").render(Release(folder / "chart", "acme-1", "acme-1", values))
    documents = [yaml.safe_load(text) for file in files.values() for _, text in manifests.documents(file)]
    return {(each["kind"], each["metadata"]["name"]): each for each in documents}


def test_the_chart_brings_a_pull_secret(crm: Path):
    (crm / "parameters.schema.json").write_text(SCHEMA)
    put(crm / "product.toml", 'parameters = "parameters.schema.json"\n', before='migrations = "migrations"')
    put(crm / "values.yaml.j2", VALUES)
    (crm / "chart" / "templates" / "registry.yaml").write_text(SECRET)
    put(crm / "chart" / "templates" / "deployment.yaml", PULL, before="      containers:\n")
    put(crm / "chart" / "values.schema.json", PROPERTY, before='    "global": ')
    made = rendered(crm)
    login = yaml.safe_load(made["Secret", "acme-1-registry"]["stringData"][".dockerconfigjson"])
    assert login == {"auths": {"registry.example": {"username": "tenancy", "password": "a-secret"}}}
    pod = made["Deployment", "acme-1"]["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "acme-1-registry"}]


def test_an_ingress_names_its_class_and_has_a_certificate(crm: Path):
    (crm / "chart" / "templates" / "ingress.yaml").write_text(INGRESS)
    ingress = rendered(crm)["Ingress", "acme-1"]
    host = ingress["spec"]["rules"][0]["host"]
    assert ingress["spec"]["tls"] == [{"hosts": [host], "secretName": "acme-1-tls"}]


def test_a_route_takes_the_place_of_the_ingress(crm: Path):
    (crm / "chart" / "templates" / "ingress.yaml").write_text(ROUTE)
    route = rendered(crm)["HTTPRoute", "acme-1"]
    assert route["spec"]["hostnames"] == ["acme.eu.tenants.example"]
