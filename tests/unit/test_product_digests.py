"""What an attempt records of its product: a digest changes with the files, and with nothing else."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tenancy.activities.plan import plan_problems
from tenancy.adapters.product_digests import product_version
from tenancy.adapters.product_file import load_product
from tenancy.saga.attempt_values import ProductVersion
from tenancy.saga.errors import ProductFileError
from tests.products import SAMPLE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE.folder, tmp_path / "sample"))


def recorded(folder: Path) -> ProductVersion:
    return product_version(load_product(folder, plan_problems))


def test_the_same_files_have_the_same_digests_wherever_they_are(folder: Path):
    found = recorded(folder)
    assert found == product_version(SAMPLE)
    assert (found.name, found.version) == ("sample", "1.0.0")
    assert len(found.chart_digest) == len(found.values_digest) == 40


def test_a_changed_template_of_values_changes_its_digest_only(folder: Path):
    before = recorded(folder)
    with (folder / "values.yaml.j2").open("a") as file:
        file.write("# more\n")
    after = recorded(folder)
    assert replace(after, values_digest=before.values_digest) == before != after


@pytest.mark.parametrize("name", ["deployment.yaml", "more.yaml"])
def test_a_changed_or_renamed_file_of_the_chart_changes_its_digest_only(folder: Path, name: str):
    before, templates = recorded(folder), folder / "chart" / "templates"
    if name == "more.yaml":
        (templates / "service.yaml").rename(templates / name)
    else:
        (templates / name).write_text("# nothing\n")
    after = recorded(folder)
    assert replace(after, chart_digest=before.chart_digest) == before != after


def test_without_a_chart_there_is_no_digest():
    found = product_version(replace(SAMPLE, chart=None, values=None))
    assert (found.chart_digest, found.values_digest) == ("", "")


def test_a_file_that_is_gone_is_an_error_about_the_product(folder: Path):
    product = load_product(folder, plan_problems)
    (folder / "values.yaml.j2").unlink()
    with pytest.raises(ProductFileError, match="cannot be read: No such file"):
        product_version(product)
