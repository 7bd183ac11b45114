"""Which faults there are, which options they take, and whom they concern."""

import re
from pathlib import Path

import pytest

from cluster_emulator.faults import FaultKind
from sandbox.cli import main
from sandbox.faults import catalogue
from sandbox.faults.effects import EFFECTS
from sandbox.faults.records import FaultRecords
from sandbox.faults.tenants import TENANT_LABEL, database_pattern, selector
from sandbox.layout import Layout
from sandbox.problems import SandboxError
from tenancy.adapters import namespaces
from tenancy.saga.names import PLATFORM_STREAM, POSTGRES_LIMIT, object_name


def test_the_catalogue_names_what_the_cluster_and_the_platform_can_do():
    assert [kind.name for kind in catalogue.CLUSTER] == list(FaultKind)
    assert {kind.name for kind in catalogue.PLATFORM} == set(EFFECTS)


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        ("no-createdb", {"tenant": "acme"}, "no-createdb does not take --tenant; its options: none."),
        ("http-429", {"seconds": 1}, "http-429 does not take --seconds; its options: --tenant, .* --retry-after."),
        ("schema-locked", {}, "schema-locked needs --tenant SLUG."),
        ("hang", {"tenant": "acme", "namespace": "acme"}, "Give either --namespace or --tenant and --region."),
    ],
)
def test_an_option_that_does_not_fit_is_refused(kind: str, options: dict[str, object], sentence: str):
    with pytest.raises(SandboxError, match=sentence):
        catalogue.checked(kind, options)


@pytest.mark.parametrize("slug", ["acme", "acme-corp", "a-very-long-name-that-needs-its-forty-chars"])
def test_a_tenants_database_is_recognised_by_its_name(slug: str):
    made = object_name(slug, PLATFORM_STREAM, limit=POSTGRES_LIMIT)

    assert re.search(database_pattern(slug), made)
    assert re.search(database_pattern(""), made)
    assert not re.search(database_pattern("other"), made)
    assert not re.search(database_pattern(slug), f"more_{made}")


def test_a_tenants_namespace_is_recognised_by_the_label_the_product_gives_it():
    assert TENANT_LABEL == namespaces.SLUG_LABEL


def test_tenant_and_region_become_one_selector():
    assert selector(tenant="acme", region="eu-central") == (
        "tenancy.internal/slug=acme,tenancy.internal/region=eu-central"
    )
    assert selector() == ""


def test_the_book_remembers_and_forgets(tmp_path: Path):
    book = FaultRecords(Layout(tmp_path))
    one, other = book.add("no-createdb", ""), book.add("schema-locked", "acme")

    book.forget(one)

    assert FaultRecords(Layout(tmp_path)).all() == [other]


@pytest.mark.parametrize("arguments", [["list"], ["set", "hang"], ["clear", "--all"]])
def test_without_a_sandbox_it_says_how_to_get_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
):
    assert main(["fault", *arguments, "--home", str(tmp_path / "none")]) == 1

    assert "`python -m sandbox up` makes one" in capsys.readouterr().err


def test_the_game_day_sheet_names_every_kind_and_no_other():
    sheet = (Path(__file__).parents[2] / "docs" / "operating" / "game-day.md").read_text()

    assert set(re.findall(r"fault set ([a-z][a-z0-9-]+)", sheet)) == set(catalogue.BY_NAME)
