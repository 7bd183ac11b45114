"""Values from a template: what a tenant is called stays a text, and a template that loops or raises is a sentence."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from tenancy.activities.plan import plan_problems
from tenancy.activities.workload_values import EXAMPLE
from tenancy.adapters.product_file import load_product
from tenancy.adapters.values_template import render_values
from tenancy.products.example_tenant import example_variables
from tenancy.saga.errors import ProductFileError
from tenancy.saga.product import Product
from tests.products import SAMPLE


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Product:
    folder = Path(shutil.copytree(SAMPLE.folder, tmp_path_factory.mktemp("products") / "sample"))
    return load_product(folder, plan_problems)


def rendered(product: Product, template: str, **variables: Any) -> dict[str, Any]:
    assert product.values is not None
    product.values.write_text(template)
    return render_values(product, {**EXAMPLE, **variables})


def test_the_sample_makes_the_values_that_were_written_in_python_before():
    """The same digest, so that a tenant of an older version is not found edited."""
    tenant = {key: EXAMPLE["tenant"][key] for key in ("id", "slug", "proof")}
    assert render_values(SAMPLE, example_variables(SAMPLE)) == {
        "tenant": {**tenant, "platform": "example"},
        "replicas": 2,
        "resources": {"cpu": "250m", "memory": "256Mi"},
        "database": {"dsn": EXAMPLE["secrets"]["database_url"]},
        "databasePort": 5432,
        "ingress": {"domain": "eu.tenants.example"},
    }


NAMES = ["no", "1e3", "a: b", '"; drop', "{{ secrets }}", "line\nkey: value", "# x", "*a", "ż☃", "</script>", "'"]
ODD = [
    "🦊 & co",
    "a\u2028b",
    "a\u2029b",
    "a\x85b",
    "a\x7fb",
    "\x1b[1m",
    "a\x9fb",
    "\ufeffa",
    "\uffff",
    "\\ud83d\\udd8a",
    "\x00",
]


def test_every_text_of_a_tenant_stays_that_text(product: Product):
    variables = {f"n{number}": name for number, name in enumerate((*NAMES, *ODD))}
    template = "\n".join(f"{key}: {{{{ {key} }}}}" for key in variables)
    assert rendered(product, template, **variables) == variables


def test_texts_are_joined_inside_the_expression(product: Product):
    template = 'host: {{ tenant.slug ~ "." ~ region.ingress_domain }}\nlist: {{ [plan.replicas, none] }}'
    assert rendered(product, template) == {"host": "acme.eu.tenants.example", "list": [2, None]}


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("a: {{ tenant.sluk }}", "in line 1: tenant has no sluk (there are: admin_email, id, name, proof, slug)"),
        ("a: {{ tenant['sluk'] }}", "values.yaml.j2 in line 1: tenant has no sluk (there are: "),
        ("a: {{ outputs.databse.host }}", "line 1: outputs has no databse (there is: database)"),
        ("a: {{ outputs.database.hots }}", "line 1: outputs.database has no hots (there are: host, name, port, user)"),
        ("a: {{ parameters.teme }}", "line 1: parameters has no teme (there is: theme)"),
        ("a: {{ none_yet.teme }}", "line 1: none_yet has no teme (there are none)"),
        ("a: {{ {'x': 1}.y }}", "line 1: 'dict object' has no attribute 'y'"),
        ("a: 1\nb: {{ nothing }}", "values.yaml.j2 in line 2: 'nothing' is undefined"),
        ("a: {{ 1 / 0 }}", "values.yaml.j2 in line 1: ZeroDivisionError"),
        ("a: {{ tenant.slug", "values.yaml.j2 in line 1: unexpected end of template"),
        ("{% include 'x' %}", "no loader for this environment specified"),
        ("a: {{ ''.__class__.__mro__ }}", "access to attribute '__class__' of 'str' object is unsafe"),
        ("a: {{ tenant.update({}) }}", "access to attribute 'update' of 'dict' object is unsafe"),
        ("{% macro f() %}{{ f() }}{% endmacro %}a: {{ f() }}", "it calls itself without an end"),
        ("a: {{ 'x' * 300000 }}", "the text has more than 256 Ki characters"),
        ("a: {{ 'x' * 10 ** 10 }}", "it needs more than 512 MiB of memory"),
        ("- 1", "values.yaml.j2: its result must be a mapping"),
        ("", "values.yaml.j2: its result must be a mapping"),
        ('a: "{{ tenant.slug }}"', "values.yaml.j2 in line 1 of its result: is not YAML"),
        ("a: 2026-01-01", "its result is not YAML of plain values"),
        ("a: &a [1]\nb: *a", "aliases are not allowed"),
        ("a: !!python/object:os.system {}", "is not YAML"),
    ],
)
def test_a_template_that_cannot_be_rendered_is_named_with_its_line(product: Product, template: str, problem: str):
    with pytest.raises(ProductFileError) as refused:
        rendered(product, template, parameters={"theme": "dark"}, none_yet={})
    assert problem in refused.value.problems[0]
    assert "a-secret" not in str(refused.value)


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "a: {{ 9 ** (9 ** 9) }}",
    ],
)
def test_a_template_that_does_not_end_is_ended(product: Product, template: str):
    with pytest.raises(ProductFileError, match=r"does not end within 1 s of processor time|more than 512 MiB"):
        rendered(product, template)
