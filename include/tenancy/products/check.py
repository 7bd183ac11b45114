"""All that can be known of a product before a tenant is made of it: every mistake at once, each with its file and key.

Called by __main__.py. What Airflow checks whenever it parses the DAG is adapters/product_file.py; here the template is
rendered, Helm lints and renders the chart, and alembic and the admin's statements are looked at. Asks no cluster.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from tenancy.activities.deploy_workloads import quota_of
from tenancy.activities.plan import plan_problems
from tenancy.adapters import manifests
from tenancy.adapters.admin_account import PLACEHOLDERS
from tenancy.adapters.chart_archives import local_chart
from tenancy.adapters.helm import ChartRefusesValuesError, Helm, Release
from tenancy.adapters.migration_folder import migrations_in
from tenancy.adapters.product_file import ADMIN_STATEMENTS, chart_version, load_product
from tenancy.adapters.readiness_rules import RULES
from tenancy.adapters.release_objects import is_judged
from tenancy.adapters.values_template import render_values
from tenancy.products.chart_quota import quota_problems
from tenancy.products.chart_values import is_of_values, value_problems
from tenancy.products.example_tenant import example_plan, example_variables
from tenancy.saga.connections import Connection
from tenancy.saga.errors import ProductFileError, TenancyError
from tenancy.saga.product import Product

_RELEASE: Final = "acme-1"
_LOGGED_IN: Final = Connection("")
"""A registry is entered as `helm registry login` has left it: there is no Airflow here."""


def check_product(folder: Path) -> list[str]:
    """Every mistake, as a sentence that begins with its file; empty when there is none."""
    try:
        product = load_product(folder, plan_problems)
    except ProductFileError as error:
        return list(error.problems) or [str(error)]
    return [*_migration_problems(product), *_admin_problems(product), *_chart_problems(product)]


def _migration_problems(product: Product) -> Iterator[str]:
    return migrations_in(product.migrations).problems() if product.migrations else iter(())


def _admin_problems(product: Product) -> Iterator[str]:
    if product.admin_account is None:
        return
    for name in ADMIN_STATEMENTS:
        file = product.admin_account / name
        text = file.read_text(encoding="utf-8")
        unknown = sorted(set(re.findall(r"%\((\w+)\)s", text)) - PLACEHOLDERS)
        place, known = file.relative_to(product.folder), ", ".join(sorted(PLACEHOLDERS))
        yield from (f"{place}: unknown placeholder {each} (there are: {known})" for each in unknown)
        if re.search(r"%(?!\(\w+\)s|%)", text.replace("%%", "")):
            yield f"{place}: write a literal % as %%"


def _chart_problems(product: Product) -> Iterator[str]:
    if product.chart is None:
        return
    try:
        chart_version(product)
        values = render_values(product, example_variables(product))
        chart = local_chart(product, lambda _: _LOGGED_IN)
    except ProductFileError as error:
        yield from error.problems
        return
    except TenancyError as error:
        yield f"product.toml: chart: {error}"
        return
    release = Release(chart, _RELEASE, _RELEASE, values)
    helm, name = Helm(lambda: "", "an empty cluster"), chart.name
    try:
        findings = [" ".join(finding.split()) for finding in helm.lint(release)]
        yield from (f"{name}: {finding}" for finding in findings if not is_of_values(finding))
        rendered = helm.render(release)
    except ChartRefusesValuesError as error:
        yield from value_problems(product, chart, str(error)) or [f"{name}: {error}"]
        return
    except TenancyError as error:
        yield f"{name}: {error}"
        return
    documents = [yaml.safe_load(text) for file in rendered.values() for _, text in manifests.documents(file)]
    yield from (f"{name}: {problem}" for problem in _workload_problems(documents))
    quota = quota_of(example_plan(), product.quota)
    yield from (f"{name}: {problem}" for problem in quota_problems(documents, quota))


def _workload_problems(documents: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Readiness is that of the workloads (adapters/release_readiness.py); docs/extending/products.md has the rules."""
    if not any(_is_workload(each) for each in documents):
        yield (
            "must have a workload: a Deployment, StatefulSet, DaemonSet, Job, Pod or custom resource that is no hook. "
            "Readiness is judged by them"
        )
    namespaced = {d["metadata"].get("namespace") for d in documents} - {None, _RELEASE}
    if namespaced:
        yield f"all objects must be in the release's namespace, and some are in {', '.join(sorted(namespaced))}"


def _is_workload(document: dict[str, Any]) -> bool:
    """Does it run something, and is it in the release's manifest? Hooks are not."""
    key = str(document["apiVersion"]), str(document["kind"])
    runs = RULES[key].is_workload if key in RULES else is_judged(*key) and "." in key[0]
    return runs and "helm.sh/hook" not in (document["metadata"].get("annotations") or {})
