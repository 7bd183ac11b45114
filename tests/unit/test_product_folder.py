"""The folder of products: which is the default one, and that a broken one breaks only itself."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tenancy.activities.plan import plan_problems
from tenancy.adapters.product_folder import ProductFolder
from tenancy.saga.errors import ProductFileError
from tenancy.saga.products import dag_of, is_provisioning_dag, product_name, provisioning_dags
from tests.products import SAMPLE

Folder = Callable[..., ProductFolder]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A folder with copies of the sample under these names."""

    def made(*names: str, chosen: str = "") -> ProductFolder:
        for name in names:
            copy = Path(shutil.copytree(SAMPLE.folder, tmp_path / name)) / "product.toml"
            copy.write_text(copy.read_text().replace('name = "sample"', f'name = "{name}"'))
        return ProductFolder(tmp_path, chosen, plan_problems)

    return made


def test_the_only_product_is_the_default_one(folder: Folder):
    products = folder("crm")
    assert (products.default_name, products.names()) == ("crm", ("crm",))
    assert provisioning_dags(products) == ("tenant_provisioning",)


def test_the_default_one_of_several_has_to_be_chosen(folder: Folder):
    products = folder("crm", "erp")
    with pytest.raises(ProductFileError, match=re.escape("must name the default one (there are: crm, erp)")):
        products.default_name  # noqa: B018
    with pytest.raises(ProductFileError, match=r"TENANCY_PRODUCT names hr, which .* does not have"):
        ProductFolder(products.home, "hr", plan_problems).default_name  # noqa: B018
    chosen = ProductFolder(products.home, "erp", plan_problems)
    assert chosen.default_name == "erp"
    assert [dag_of(chosen, name) for name in chosen.names()] == ["tenant_provisioning__crm", "tenant_provisioning"]
    assert provisioning_dags(chosen) == ("tenant_provisioning", "tenant_provisioning__crm")


def test_a_product_with_mistakes_breaks_only_itself(folder: Folder):
    products = folder("crm", "erp", chosen="crm")
    (products.home / "erp" / "product.toml").write_text("name = ")
    assert products.named("crm").name == "crm"
    assert products.names() == ("crm", "erp")
    with pytest.raises(ProductFileError, match=r"product\.toml: is not TOML"):
        products.named("erp")


def test_a_product_is_read_again_when_its_file_has_changed(folder: Folder):
    products = folder("crm")
    before = products.named("crm")
    assert products.named("crm") is before
    file = products.home / "crm" / "product.toml"
    file.write_text(file.read_text().replace(f'version = "{before.version}"', 'version = "9.9"'))
    assert products.named("crm").version == "9.9"


def test_it_is_read_again_when_the_schema_of_its_parameters_has_changed(folder: Folder):
    products = folder("crm")
    file, schema = products.home / "crm" / "product.toml", products.home / "crm" / "parameters.schema.json"
    schema.write_text('{"type": "object", "properties": {"seats": {"type": "integer"}}}')
    file.write_text(file.read_text().replace("chart = ", 'parameters = "parameters.schema.json"\nchart = '))
    assert [each.key for each in products.named("crm").parameters] == ["seats"]
    schema.write_text('{"type": "object", "properties": {"teams": {"type": "integer"}}}')
    assert [each.key for each in products.named("crm").parameters] == ["teams"]


@pytest.mark.parametrize("name", ["erp", "../crm", ""])
def test_a_product_that_is_not_there_is_a_mistake_that_names_the_others(folder: Folder, name: str):
    with pytest.raises(ProductFileError, match=re.escape(f"has no product {name} (there are: crm)")):
        folder("crm").named(name)


def test_a_missing_folder_is_named_with_the_setting_and_leaves_the_dag_of_the_default_product(tmp_path: Path):
    products = ProductFolder(tmp_path / "products", "", plan_problems)
    with pytest.raises(ProductFileError, match="set TENANCY_PRODUCTS"):
        products.names()
    assert provisioning_dags(products) == ("tenant_provisioning",)


def test_attempts_that_recorded_no_product_have_the_default_one(folder: Folder):
    products = folder("crm", "erp", chosen="erp")
    assert [product_name(products, recorded) for recorded in ("crm", "")] == ["crm", "erp"]


def test_the_dag_of_a_product_that_is_gone_is_still_a_provisioning_dag():
    ours = [is_provisioning_dag(dag) for dag in ("tenant_provisioning", "tenant_provisioning__gone")]
    assert (ours, is_provisioning_dag("tenant_compensation")) == ([True, True], False)
