"""A product with a container activity in a real Airflow: its Job is cancelled, retried, undone, and leaves nothing."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import lifecycle
from sandbox.access import Access
from sandbox.layout import Layout
from tests.acceptance import operators, runs
from tests.acceptance.tenant_objects import find_objects
from tests.documentation.test_container_activities import PAGE, block
from tests.products import SAMPLE
from tests.sandboxes import AIRFLOW_OPTIONS, kept_up

HELD = """
import time
if given["verb"] == "run":
    (store.parent / f"started-{given['tenant']['slug']}").touch()
    while (store.parent / f"held-{given['tenant']['slug']}").exists():
        time.sleep(0.05)
"""


class Shop:
    """A sandbox whose product has the documentation's container activity, and the folder of its mailboxes."""

    def __init__(self, access: Access, folder: Path) -> None:
        self.access, self._folder, self._store = access, folder, folder / "mailboxes"

    def hold(self, slug: str) -> Path:
        """The Job of this tenant does not end before the returned file is removed."""
        held = self._folder / f"held-{slug}"
        held.touch()
        return held

    def has_begun(self, slug: str) -> bool:
        return (self._folder / f"started-{slug}").exists()

    @property
    def mailboxes(self) -> list[str]:
        return sorted(each.name for each in self._store.iterdir())

    def create(self, slug: str) -> None:
        operators.create(self.access, runs.request(slug))


@pytest.fixture(scope="module")
def shop(sandbox_layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "mailboxes").mkdir()
    _write_product(folder)
    layout = Layout.find(sandbox_layout.home.with_name(f"{sandbox_layout.home.name}-containers"))
    changes = {"TENANCY_PRODUCTS": str(folder / "products"), "TENANCY_PRODUCT": "sample"}
    airflow_options = replace(AIRFLOW_OPTIONS, extra_env={**AIRFLOW_OPTIONS.extra_env, **changes})
    with kept_up(layout, lambda: lifecycle.up(layout, airflow_options=airflow_options, usual_ports=False)) as access:
        yield Shop(access, folder)


def _write_product(folder: Path) -> None:
    page = PAGE.read_text()
    home = Path(shutil.copytree(SAMPLE.folder, folder / "products" / "sample"))
    program = block(page, "python")
    before, after = program.split('\nif given["verb"] == "discover":')
    (home / "mailbox.py").write_text(f'{before}{HELD}\nif given["verb"] == "discover":{after}')
    command = ["python", "mailbox.py", str(folder / "mailboxes")]
    (home / "sandbox.toml").write_text(f'[images]\n"registry.example/mailbox:1.0" = {json.dumps(command)}\n')
    file = home / "product.toml"
    listed = file.read_text().replace('  "allocate_storage",\n', '  "create_mailbox",\n  "allocate_storage",\n')
    file.write_text(f"{listed}\n{block(page, 'toml')}")


@pytest.mark.timeout(600)
def test_a_tenant_is_cancelled_in_the_middle_of_its_job_retried_active_and_decommissioned(shop: Shop):
    access, slug = shop.access, runs.new_slug("mail")
    held = shop.hold(slug)
    shop.create(slug)
    runs.wait_until(lambda: shop.has_begun(slug), "the Job to run")
    operators.perform(access, slug, "cancel")
    runs.await_phase(access, slug, "Failed settled")
    assert shop.mailboxes == []
    held.unlink()

    operators.perform(access, slug, "reset")
    operators.perform(access, slug, "retry")
    runs.await_phase(access, slug, "Active")
    assert [name.rpartition("-")[0] for name in shop.mailboxes] == [slug]
    tenant = operators.get(access, f"/tenants/{slug}")
    assert tenant["outputs"]["create_mailbox"] == {"address": f"{slug}@mail.example"}

    operators.perform(access, slug, "decommission", confirm_slug=slug)
    runs.await_phase(access, slug, "Decommissioned")
    assert shop.mailboxes == []
    assert find_objects(access, slug).is_empty
