"""A sandbox of its own with one product, crm, which has parameters."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from sandbox import lifecycle
from sandbox.access import Access
from sandbox.layout import Layout
from tests.products import write_product_with_parameters
from tests.sandboxes import AIRFLOW_OPTIONS, kept_up


@pytest.fixture(scope="package")
def crm(sandbox_layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Access]:
    """The sandbox. The product's chart has `seats` and `tier` in a ConfigMap, and the secret in a Secret."""
    products = tmp_path_factory.mktemp("products")
    write_product_with_parameters(products / "crm")
    layout = Layout.find(sandbox_layout.home.with_name(f"{sandbox_layout.home.name}-parameters"))
    airflow_options = replace(
        AIRFLOW_OPTIONS,
        extra_env={**AIRFLOW_OPTIONS.extra_env, "TENANCY_PRODUCTS": str(products), "TENANCY_PRODUCT": "crm"},
    )
    with kept_up(layout, lambda: lifecycle.up(layout, airflow_options=airflow_options, usual_ports=False)) as access:
        yield access
