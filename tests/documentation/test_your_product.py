"""docs/extending/your-product.md, done as it says: from `product init` to a product that passes the check."""

import re
import tomllib
from pathlib import Path

import pytest

from sandbox.layout import PROJECT
from tenancy.adapters.platform_file import parse_platform
from tenancy.products.check import check_product
from tenancy.products.starting_point import write_starting_point

PAGE = PROJECT / "docs" / "extending" / "your-product.md"
PACKAGES = PROJECT / "docs" / "extending" / "activity-packages.md"


@pytest.fixture
def blocks() -> list[str]:
    """The page's blocks that go into files, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [text for language, text in found if language != "sh"]


@pytest.fixture
def crm(tmp_path: Path) -> Path:
    write_starting_point(tmp_path / "crm")
    return tmp_path / "crm"


def put(file: Path, block: str, *, before: str = "", after: str = "") -> None:
    """Insert the block at this place of the file, which must be there once; without one append it."""
    text = file.read_text()
    place = before or after
    assert not place or text.count(place) == 1
    if place:
        file.write_text(text.replace(place, block + place if before else place + block))
    else:
        file.write_text(f"{text}\n{block}")


def test_each_step_of_the_page_leads_to_a_product_without_mistakes(blocks: list[str], crm: Path):
    cache, quota, authors, schema, parameters, seats, properties, program, sandbox, table, name, bucket = blocks
    product, values, chart = crm / "product.toml", crm / "values.yaml.j2", crm / "chart"

    (chart / "templates" / "cache.yaml").write_text(cache)
    (problem,) = check_product(crm)
    assert "its pods need more than the namespace's quota has" in problem
    put(product, quota)
    assert check_product(crm) == []

    (crm / "migrations" / "0002_authors.sql").write_text(authors)
    (crm / "parameters.schema.json").write_text(schema)
    put(product, parameters, before="\n[quota]\n")
    put(values, seats)
    assert any("values.yaml.j2: seats: not allowed" in problem for problem in check_product(crm))
    put(chart / "values.schema.json", properties, before='    "global": ')
    assert check_product(crm) == []

    (crm / "buckets.py").write_text(program)
    (crm / "sandbox.toml").write_text(sandbox)
    put(product, table)
    put(product, name, before='  "deploy_workloads", ')
    put(values, bucket)
    assert check_product(crm) == []


def test_the_sandboxs_platform_file_takes_the_connection_of_an_activity_package():
    """docs/extending/activity-packages.md: the block of "Try it in the sandbox", at the end of a copy."""
    section = PACKAGES.read_text().partition("\n## Try it in the sandbox\n")[2]
    (block,) = re.findall(r"^```toml\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    platform = parse_platform(tomllib.loads((PROJECT / "include/sandbox/platform.toml").read_text() + block), None)
    assert platform.regions["eu-central"].connections == {"object_store": "my_store"}
