"""`tenantctl product check`: what only the files' contents show, by Helm and alembic themselves."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tenancy.products.__main__ import main
from tenancy.products.check import check_product
from tenancy.products.starting_point import write_starting_point
from tests.contract.fake_tenancy_api import FakeTenancy
from tests.products import SAMPLE, write_product_with_parameters
from tests.unit.tenantctl_runner import run

DEPLOYMENT = "chart/templates/deployment.yaml"
METADATA = 'metadata:\n  {{- include "tenant.metadata" . | nindent 2 }}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE.folder, tmp_path / "sample"))


def _replace(name: str, before: str, after: str) -> Callable[[Path], None]:
    def replace(folder: Path) -> None:
        text = (folder / name).read_text()
        assert before in text
        (folder / name).write_text(text.replace(before, after))

    return replace


def _write(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text)


def test_the_sample_has_no_mistakes():
    assert check_product(SAMPLE.folder) == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_replace("product.toml", '"mark_active",', '"mark_inactive",'), "product.toml: activities: mark_inactive is"),
        (_replace("values.yaml.j2", "plan.cpu", "plan.gpu"), "values.yaml.j2 in line 9: plan has no gpu (there are: "),
        (_replace("values.yaml.j2", "replicas: {{ plan.replicas }}", "replicas: many"), "replicas: got string, "),
        (_replace("values.yaml.j2", "databasePort:", "databaseport:"), "values.yaml.j2: databaseport: not allowed"),
        (_replace("chart/templates/secret.yaml", "b64enc", "b65enc"), "b65enc"),
        (_replace("chart/Chart.yaml", "version: 1.0.1", "version: new"), "chart: "),
        (_replace(DEPLOYMENT, "apps/v1\nkind: Deployment", "v1\nkind: ConfigMap"), "chart: must have a workload"),
        (
            _replace(DEPLOYMENT, METADATA, f'{METADATA}  annotations: {{"helm.sh/hook": test}}\n'),
            "must have a workload",
        ),
        (_replace(DEPLOYMENT, METADATA, METADATA + "  namespace: elsewhere\n"), "and some are in elsewhere"),
        (
            _write("migrations/versions/0003.py", "revision = '3'\ndown_revision = '0001'"),
            "migrations: must have one h",
        ),
        (
            _write("migrations/versions/0003.py", "revision = '3'\ndown_revision = '9'"),
            "migrations: alembic cannot load",
        ),
        (_write("migrations/versions/0003.py", "import nothing_like_it"), "alembic cannot load"),
        (_write("migrations/versions/0003.py", "revision = str(3)\ndown_revision = '0002'"), "as literals"),
        (_replace("admin/renew.sql", "%(email)s", "%(mail)s"), "admin/renew.sql: unknown placeholder mail (there are:"),
        (_write("admin/exists.sql", "select 1 where 'a' like '%'"), "admin/exists.sql: write a literal % as %%"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_the_file(folder: Path, spoil: Callable[[Path], None], problem: str):
    spoil(folder)
    found = check_product(folder)
    assert any(problem in each for each in found), found
    assert "a-secret" not in str(found)


def test_each_value_that_does_not_fit_the_charts_schema_is_named_once(tmp_path: Path):
    crm = tmp_path / "crm"
    write_starting_point(crm)
    _replace("values.yaml.j2", "replicas: {{ plan.replicas }}", "replicas: many\ncolour: red\nshape: round")(crm)
    _replace("values.yaml.j2", "  cpu:", "  gpu:")(crm)
    assert sorted(check_product(crm)) == [
        "values.yaml.j2: colour: not allowed (chart/values.schema.json)",
        "values.yaml.j2: replicas: got string, want integer (chart/values.schema.json)",
        "values.yaml.j2: resources.gpu: not allowed (chart/values.schema.json)",
        "values.yaml.j2: shape: not allowed (chart/values.schema.json)",
    ]


def _with_sql(folder: Path) -> Path:
    shutil.rmtree(folder / "migrations")
    (folder / "migrations").mkdir()
    (folder / "migrations" / "0001_first.sql").write_text("create table notes (id int);")
    return folder


def test_plain_sql_migrations_pass_and_show_their_newest_version(folder: Path, capsys: pytest.CaptureFixture[str]):
    assert check_product(_with_sql(folder)) == []
    assert main(["show", str(folder)]) == 0
    assert "migrations, newest revision 0001_first" in capsys.readouterr().out


def test_every_mistake_in_a_folder_of_sql_is_named(folder: Path):
    _with_sql(folder)
    for name in ("1_again.sql", "next.sql"):
        (folder / "migrations" / name).write_text("select 1;")
    problems = check_product(folder)
    assert any(each.startswith("migrations/1_again.sql: has the same number as 0001_first.sql") for each in problems)
    assert any(each.startswith("migrations/next.sql: is no migration's name") for each in problems)


def test_a_product_is_rendered_with_examples_of_its_parameters(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = write_product_with_parameters(tmp_path / "crm").folder
    assert check_product(folder) == []
    assert main(["show", str(folder)]) == 0
    assert "parameter   smtp_password: secret" in capsys.readouterr().out
    _replace("values.yaml.j2", "parameters.seats", "parameters.places")(folder)
    (problem,) = check_product(folder)
    assert "values.yaml.j2 in line" in problem
    assert "parameters has no places (there are: " in problem


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kind: Deployment", "kind: StatefulSet"),
        ("kind: Deployment", "kind: DaemonSet"),
        ("apiVersion: apps/v1\nkind: Deployment", "apiVersion: example.com/v1\nkind: Application"),
    ],
)
def test_a_chart_needs_any_workload_and_no_deployment(folder: Path, before: str, after: str):
    _replace(DEPLOYMENT, before, after)(folder)
    assert [each for each in check_product(folder) if "workload" in each] == []


def test_the_starting_point_passes_and_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "crm"
    assert main(["init", str(folder)]) == 0
    assert check_product(folder) == []
    assert "my-product" not in (folder / "product.toml").read_text() + (folder / "chart" / "Chart.yaml").read_text()
    assert main(["init", str(folder)]) == 2
    assert "is not empty. Nothing was written." in capsys.readouterr().err


def test_a_folder_that_cannot_be_a_product_is_refused(tmp_path: Path):
    assert main(["init", str(tmp_path / "My Product")]) == 2
    assert list(tmp_path.iterdir()) == []


def test_the_command_names_each_mistake_and_counts_them(folder: Path, capsys: pytest.CaptureFixture[str]):
    _replace("product.toml", 'chart = "chart"', 'chart = "charts"\ncolour = 1')(folder)
    assert main(["check", str(folder)]) == 1
    printed = capsys.readouterr()
    assert f"{folder}/product.toml: chart: there is no folder charts" in printed.out
    assert f"{folder}/product.toml: unknown key colour" in printed.out
    assert printed.err == "2 mistakes.\n"


@pytest.mark.parametrize(("words", "code"), [(["show"], 0), (["check", "no-such-folder"], 1), (["init"], 2)])
def test_the_command_line_hands_its_exit_code_on(words: list[str], code: int, capfd: pytest.CaptureFixture[str]):
    if words == ["show"]:
        words = ["show", str(SAMPLE.folder)]
    assert run(FakeTenancy(), "product", *words).code == code
    if code == 0:
        assert "6. wait_for_workloads_ready" in capfd.readouterr().out


def test_the_activities_are_listed_and_a_built_in_one_is_not_tested(capfd: pytest.CaptureFixture[str]):
    assert run(FakeTenancy(), "activity", "list").code == 0
    assert "deploy_workloads             compensatable makes namespace, release" in capfd.readouterr().out
    assert run(FakeTenancy(), "activity", "test", "deploy_workloads").code == 2
    assert "is built in" in capfd.readouterr().err
    assert run(FakeTenancy(), "activity", "test", "make_tea").code == 2
    assert "The activity make_tea is not installed" in capfd.readouterr().err
