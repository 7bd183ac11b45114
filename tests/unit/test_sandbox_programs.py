"""Which programs stand for images in the sandbox."""

import json
import sys
from pathlib import Path

import pytest

from sandbox.layout import Layout
from sandbox.problems import SandboxError
from sandbox.programs import write_programs


@pytest.fixture
def products(tmp_path: Path) -> Path:
    return tmp_path / "products"


def written(products: Path, **files: str) -> dict[str, list[str]]:
    for product, text in files.items():
        (products / product).mkdir(parents=True)
        (products / product / "sandbox.toml").write_text(text)
        (products / product / "tool.py").write_text("")
    layout = Layout(products.parent / "home")
    write_programs(layout, products)
    found: dict[str, list[str]] = json.loads(layout.programs.read_text())
    return found


def test_files_of_the_product_and_python_become_absolute(products: Path) -> None:
    found = written(products, crm='[images]\n"registry.example/tool:1" = ["python", "tool.py", "--fast"]\n')
    assert found == {"registry.example/tool:1": [sys.executable, str(products / "crm" / "tool.py"), "--fast"]}


def test_products_without_the_file_have_no_programs(products: Path) -> None:
    products.mkdir()
    assert written(products) == {}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[images\n", "cannot be read"),
        ("[imags]\n", "unknown key imags"),
        ('images = "tool"\n', "images must be a table"),
        ('[images]\n"tool:1" = "python tool.py"\n', "'tool:1' must be a list of texts"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(products: Path, text: str, complaint: str) -> None:
    with pytest.raises(SandboxError, match=complaint) as error:
        written(products, crm=text)
    assert str(products / "crm" / "sandbox.toml") in str(error.value)


def test_two_products_do_not_disagree_about_an_image(products: Path) -> None:
    with pytest.raises(SandboxError, match="another product has another program for 'tool:1'"):
        written(products, crm='[images]\n"tool:1" = ["a"]\n', erp='[images]\n"tool:1" = ["b"]\n')
