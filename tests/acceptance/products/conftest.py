"""A sandbox of its own with four products: the sample, one with parameters, one with a container activity, and one that
begins with mistakes."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import lifecycle
from sandbox.access import Access
from sandbox.layout import Layout
from tests.acceptance.products.mailboxes import Mailboxes
from tests.documentation.test_container_activities import PAGE, block
from tests.products import SAMPLE, write_product_with_parameters
from tests.sandboxes import AIRFLOW_OPTIONS, kept_up

MISTAKES = '\ncolour = "red"\nshape = "round"\n'


@pytest.fixture(scope="package")
def mailboxes(tmp_path_factory: pytest.TempPathFactory) -> Mailboxes:
    return Mailboxes(tmp_path_factory.mktemp("mailboxes"))


@pytest.fixture(scope="package")
def products(tmp_path_factory: pytest.TempPathFactory, mailboxes: Mailboxes) -> Path:
    """The folder of products; a test may break one."""
    home = tmp_path_factory.mktemp("products")
    shutil.copytree(SAMPLE.folder, home / "sample")
    write_product_with_parameters(home / "crm")
    _write_product_with_mailboxes(home / "mail", mailboxes)
    broken = _copy_of_sample(home / "erp") / "product.toml"
    broken.write_text(broken.read_text() + MISTAKES)
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


def _copy_of_sample(folder: Path) -> Path:
    shutil.copytree(SAMPLE.folder, folder)
    file = folder / "product.toml"
    file.write_text(file.read_text().replace('name = "sample"', f'name = "{folder.name}"'))
    return folder


def _write_product_with_mailboxes(folder: Path, mailboxes: Mailboxes) -> None:
    """The sample with the container activity of the documentation, which a test can hold."""
    page, home = PAGE.read_text(), _copy_of_sample(folder)
    (home / "mailbox.py").write_text(mailboxes.program(block(page, "python")))
    command = ["python", "mailbox.py", str(mailboxes.store)]
    (home / "sandbox.toml").write_text(f'[images]\n"registry.example/mailbox:1.0" = {json.dumps(command)}\n')
    file = home / "product.toml"
    listed = file.read_text().replace('  "allocate_storage",\n', '  "create_mailbox",\n  "allocate_storage",\n')
    file.write_text(f"{listed}\n{block(page, 'toml')}")
