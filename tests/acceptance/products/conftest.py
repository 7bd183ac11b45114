"""A sandbox of its own with three products: two copies of the sample, and one that begins with mistakes."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import lifecycle
from sandbox.access import Access
from sandbox.layout import Layout
from tests.products import SAMPLE
from tests.sandboxes import AIRFLOW_OPTIONS, kept_up

MISTAKES = '\ncolour = "red"\nshape = "round"\n'


@pytest.fixture(scope="package")
def products(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of products; a test may break one."""
    home = tmp_path_factory.mktemp("products")
    for name in ("sample", "crm", "erp"):
        file = Path(shutil.copytree(SAMPLE.folder, home / name)) / "product.toml"
        file.write_text(file.read_text().replace('name = "sample"', f'name = "{name}"'))
    (home / "erp" / "product.toml").write_text((home / "erp" / "product.toml").read_text() + MISTAKES)
    return home


@pytest.fixture(scope="package")
def several(sandbox_layout: Layout, products: Path) -> Iterator[Access]:
    layout = Layout.find(sandbox_layout.home.with_name(f"{sandbox_layout.home.name}-products"))
    changes = {
        "TENANCY_PRODUCTS": str(products),
        "TENANCY_PRODUCT": "sample",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "2",  # an import error is there in seconds
    }
    airflow_options = replace(AIRFLOW_OPTIONS, extra_env={**AIRFLOW_OPTIONS.extra_env, **changes})
    with kept_up(layout, lambda: lifecycle.up(layout, airflow_options=airflow_options, usual_ports=False)) as access:
        yield access
