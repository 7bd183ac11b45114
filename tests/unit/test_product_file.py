"""A product's folder: every mistake is named at once, with its file and key, and nothing outside of it is read."""

import json
import re
import shutil
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tenancy.activities.plan import plan_of, plan_problems, require_fits_platform
from tenancy.activities.registry import BUILT_IN
from tenancy.adapters import misplaced_keys
from tenancy.adapters.product_document import ProductDocument
from tenancy.adapters.product_file import chart_version, load_product, newest_revision
from tenancy.saga.errors import PlatformError, ProductFileError
from tenancy.saga.product import ExtraQuota, MigrationJob, OciChart
from tests.products import PLAN, SAMPLE
from tests.real_systems import platform

NAMES = [activity.name for activity in PLAN]
WITHOUT_DATABASE = ["validate_request", "deploy_workloads", "wait_for_workloads_ready", "mark_active"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SAMPLE.folder, tmp_path / "sample"))


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_toml(each)}' for key, each in value.items()) + "}"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def change(folder: Path, **changes: Any) -> None:
    """Other values for these keys; None leaves a key out."""
    document = tomllib.loads((folder / "product.toml").read_text()) | changes
    lines = [f"{key} = {_toml(value)}" for key, value in document.items() if value is not None]
    (folder / "product.toml").write_text("\n".join(lines))


def problems_of(folder: Path) -> tuple[str, ...]:
    with pytest.raises(ProductFileError) as refused:
        load_product(folder, plan_problems)
    assert isinstance(refused.value, PlatformError)
    assert all(problem in str(refused.value) for problem in refused.value.problems)
    return refused.value.problems


def test_the_sample_has_the_plan_that_was_a_constant_before():
    assert plan_of(SAMPLE) == BUILT_IN
    assert (chart_version(SAMPLE), newest_revision(SAMPLE)) == ("1.0.1", "0002")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "Sample"}, "name must be a lower-case word: letters, digits and hyphens"),
        ({"name": "other"}, "name must be sample, as the folder"),
        ({"name": None}, "name is missing"),
        ({"quota": 5}, "quota must be a table"),
        ({"version": 1}, "version must be a text such as 1.0.0"),
        ({"version": "1 0"}, "version must be a text such as 1.0.0"),
        ({"colour": "red"}, "unknown key colour (there are: name, version, activities, chart"),
        ({"activities": []}, "activities must be a list of names of activities"),
        ({"activities": "all"}, "activities must be a list of names of activities"),
        ({"activities": [1]}, "activities must be a list of names of activities"),
        ({"chart": "charts"}, "chart: there is no folder charts"),
        ({"chart": "migrations"}, "chart: the folder migrations has no Chart.yaml"),
        ({"chart": None}, "chart is missing: the activity deploy_workloads needs it"),
        ({"chart": "../sample/chart"}, None),
        ({"chart": "/etc"}, "chart: /etc must be inside the product's folder"),
        ({"chart": "../../etc"}, "chart: ../../etc must be inside the product's folder"),
        ({"chart": "."}, "chart: . must be inside the product's folder"),
        ({"values": "values.yaml"}, "values: there is no file values.yaml"),
        ({"values": None}, "values is missing: the activity deploy_workloads needs it"),
        (
            {"migrations": "admin"},
            "migrations: the folder admin has neither an env.py of alembic nor an SQL file such as 0001",
        ),
        ({"migrations": None}, "migrations is missing: the activity apply_tenant_schema needs it"),
        ({"parameters": "parameters.schema.json"}, "parameters: there is no file parameters.schema.json"),
        ({"parameters": "/etc/passwd"}, "parameters: /etc/passwd must be inside the product's folder"),
        ({"parameters": "../sample/../x.json"}, "parameters: ../sample/../x.json must be inside the product's folder"),
        ({"parameters": "chart"}, "parameters: there is no file chart"),
        ({"admin_account": "chart"}, "admin_account: the folder chart has no create.sql"),
        ({"plans": []}, "plans must be a list of names of plans"),
        ({"plans": ["Starter!"]}, "plans must be a list of names of plans"),
        ({"plans": "starter"}, "plans must be a list of names of plans"),
        ({"labels": {"tenancy.internal/slug": "x"}}, "labels: tenancy.internal/slug is set by Tenancy itself"),
        ({"labels": {"team": "a b"}}, "labels must be a table of Kubernetes labels, texts both"),
        ({"labels": {"a/b/c": "x"}}, "labels must be a table of Kubernetes labels, texts both"),
        ({"labels": 5}, "labels must be a table of Kubernetes labels, texts both"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_key(folder: Path, changes: dict[str, Any], problem: str | None):
    change(folder, **changes)
    if problem is None:
        load_product(folder, plan_problems)
    else:
        assert any(each.startswith(f"product.toml: {problem}") for each in problems_of(folder))


def test_all_mistakes_are_named_at_once(folder: Path):
    change(folder, name="other", version=1, colour="red", chart="charts", activities=["validate_request", "fly"])
    problems = problems_of(folder)
    for key in ("name", "version", "colour", "chart", "fly"):
        assert any(key in problem for problem in problems), key


@pytest.mark.parametrize(
    ("activities", "problem"),
    [
        ([*NAMES[:3], "create_bucket", *NAMES[3:]], "create_bucket is not installed (installed are: validate_request,"),
        ([*NAMES[:2], *NAMES[1:]], "allocate_storage is there twice"),
        (NAMES[1:], "validate_request must come first"),
        (NAMES[:-1], "mark_active must come last"),
        ([n for n in NAMES if n != "wait_for_workloads_ready"], "there must be one pivot (wait_for_workloads_ready)"),
        ([*NAMES[:4], *NAMES[5:]], "wait_for_workloads_ready needs deploy_workloads before it"),
        ([n for n in NAMES if n != "allocate_storage"], "apply_tenant_schema needs allocate_storage before it"),
        ([NAMES[0], *NAMES[2:4], NAMES[1], *NAMES[4:]], "apply_tenant_schema needs allocate_storage before it"),
        ([*NAMES[:3], *NAMES[4:6], NAMES[3], NAMES[6]], "apply_tenant_schema is compensatable and must come before"),
        ([NAMES[0], NAMES[6], *NAMES[1:6]], "mark_active is retriable and must come after the pivot"),
    ],
)
def test_a_plan_that_could_not_be_undone_or_finished_is_refused(folder: Path, activities: list[str], problem: str):
    change(folder, activities=activities)
    assert any(f"activities: {problem}" in each for each in problems_of(folder))


def test_a_product_may_have_no_database(folder: Path):
    change(folder, activities=WITHOUT_DATABASE, migrations=None, admin_account=None)
    product = load_product(folder, plan_problems)
    assert [activity.name for activity in plan_of(product)] == WITHOUT_DATABASE
    assert newest_revision(product) == ""


def test_a_key_without_its_activity_has_no_effect_and_is_a_mistake(folder: Path):
    change(folder, activities=WITHOUT_DATABASE)
    assert "product.toml: migrations has no effect without the activity apply_tenant_schema" in problems_of(folder)


def test_the_parameters_are_those_of_the_schema_in_its_order(folder: Path):
    properties = {"seats": {"type": "integer", "default": 5}, "colour": {"type": "string"}}
    schema = {"type": "object", "properties": properties, "required": ["colour"]}
    (folder / "parameters.schema.json").write_text(json.dumps(schema))
    change(folder, parameters="parameters.schema.json")
    found = load_product(folder, plan_problems).parameters
    assert [(each.key, each.type, each.default, each.required) for each in found] == [
        ("seats", "integer", 5, False),
        ("colour", "string", None, True),
    ]


def test_mistakes_of_the_schema_are_named_with_all_others_each_with_its_file_and_key(folder: Path):
    schema = {"type": "object", "properties": {"seats": {"$ref": "https://example.com/seats.json"}, "name": {}}}
    (folder / "seats.json").write_text(json.dumps(schema))
    change(folder, parameters="seats.json", colour="red")
    problems = problems_of(folder)
    assert [each.partition(": ")[0] for each in problems] == ["product.toml", *["seats.json"] * 4]
    assert problems[0].startswith("product.toml: unknown key colour")
    assert problems[1:] == (
        "seats.json: properties.seats.type: is missing",
        "seats.json: properties.seats.$ref: $ref is not allowed, wherever it leads: write out what it refers to",
        "seats.json: properties.name: every request has this field already: choose another name",
        "seats.json: properties.name.type: is missing",
    )


def test_a_schema_that_is_not_utf_8_is_a_mistake(folder: Path):
    (folder / "seats.json").write_bytes(b"\xff\xfe")
    change(folder, parameters="seats.json")
    assert problems_of(folder) == ("seats.json: cannot be read: it is not UTF-8",)


def test_a_link_out_of_the_folder_is_a_mistake(folder: Path):
    (folder / "chart" / "templates" / "passwd.yaml").symlink_to("/etc/passwd")
    assert any("passwd.yaml leads out of the product's folder" in each for each in problems_of(folder))


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda file: file.unlink(), "product.toml: cannot be read: No such file or directory"),
        (lambda file: file.write_text("name = "), "product.toml: is not TOML"),
        (lambda file: file.write_bytes(b"\xff\xfe"), "product.toml: cannot be read: it is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_a_mistake(folder: Path, spoil: Callable[[Path], None], problem: str):
    spoil(folder / "product.toml")
    assert problems_of(folder)[0].startswith(problem)


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("revision, x = '1', 2", "must state `revision` and `down_revision` as literals"),
        ("revision = str(3)\ndown_revision = '0002'", "must state `revision` and `down_revision` as literals"),
        ("def", "must state `revision` and `down_revision` as literals"),
        ("revision = '0003'\ndown_revision = '0001'", "must have one head, and there are 2 (0002, 0003)"),
    ],
)
def test_a_revision_that_cannot_be_read_without_running_it_is_a_mistake(folder: Path, script: str, problem: str):
    (folder / "migrations" / "versions" / "0003_more.py").write_text(script)
    with pytest.raises(ProductFileError, match=re.escape(problem)):
        newest_revision(load_product(folder, plan_problems))


def test_a_merge_and_a_typed_revision_are_read(folder: Path):
    versions = folder / "migrations" / "versions"
    (versions / "0003_more.py").write_text("revision: str = '0003'\ndown_revision: str | None = '0001'")
    (versions / "0004_merge.py").write_text("revision = '0004'\ndown_revision = ('0002', '0003')")
    assert newest_revision(load_product(folder, plan_problems)) == "0004"


JOB = {"job": {"image": "registry.example/flyway:10", "version": "42", "command": ["flyway", "migrate"]}}
NAMESPACE_FIRST = [name for name in NAMES if name != "apply_tenant_schema"]
NAMESPACE_FIRST.insert(NAMESPACE_FIRST.index("deploy_workloads") + 1, "apply_tenant_schema")


def test_migrations_may_be_an_image(folder: Path):
    change(folder, migrations=JOB, activities=NAMESPACE_FIRST)
    product = load_product(folder, plan_problems)
    assert product.migrations is None
    assert product.migration_job == MigrationJob("registry.example/flyway:10", "42", ("flyway", "migrate"))
    assert newest_revision(product) == "42"


@pytest.mark.parametrize(
    "job",
    [
        3,
        {"jobs": {}},
        {"job": {"image": "a"}},
        {"job": {"image": "a b", "version": "1"}},
        {"job": {"image": "a", "version": "1", "command": "migrate"}},
    ],
)
def test_a_migration_job_with_mistakes_says_what_it_must_be(folder: Path, job: Any):
    change(folder, migrations=job, activities=NAMESPACE_FIRST)
    [problem] = [each for each in problems_of(folder) if "migrations" in each]
    assert "product.toml: migrations must be the relative path of a folder, or job = { image, version }" in problem


@pytest.mark.parametrize(("minutes", "fits"), [(4, True), (4.5, False), (30, False)])
def test_migrations_that_may_take_longer_than_their_activity_are_a_mistake(folder: Path, minutes: float, fits: bool):
    change(folder, migrations={"job": {**JOB["job"], "timeout_minutes": minutes}}, activities=NAMESPACE_FIRST)
    product = load_product(folder, plan_problems)
    if fits:
        assert require_fits_platform(product, platform()) is product
        return
    with pytest.raises(ProductFileError, match=r"apply_tenant_schema may take 5 minutes, and [\d.]+ are needed: state"):
        require_fits_platform(product, platform())
    longer = replace(platform(), give_up={"apply_tenant_schema": timedelta(minutes=minutes + 1)})
    assert require_fits_platform(product, longer) is product


def test_a_migration_job_needs_the_namespace_before_it(folder: Path):
    change(folder, migrations=JOB)
    assert any("deploy_workloads must come before apply_tenant_schema" in each for each in problems_of(folder))


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("pods = 1001", "quota: pods must be a whole number from 0 to 1000"),
        ("pods = true", "quota: pods must be a whole number from 0 to 1000"),
        ('cpu = "much"', "quota: cpu must be a Kubernetes quantity such as 250m or 256Mi"),
        ("memory = 5", "quota: memory must be a Kubernetes quantity such as 250m or 256Mi"),
        (
            'plans = ["starter"]',
            "memory); it stands below [quota]; move it above the first table",
        ),
        ('storage = "1Gi"', "quota: unknown key storage (there are: pods, cpu, memory)"),
    ],
)
def test_a_mistake_in_the_quota_is_named(folder: Path, table: str, problem: str):
    file = folder / "product.toml"
    file.write_text(f"{file.read_text()}\n[quota]\n{table}\n")
    (found,) = problems_of(folder)
    assert found.startswith("product.toml: quota: ")
    assert found.endswith(problem)


@pytest.mark.parametrize("table", ["labels", "container_activities.create_mailbox.outputs"])
def test_a_file_that_a_table_took_for_its_own_is_named(folder: Path, table: str):
    file = folder / "product.toml"
    (folder / "parameters.schema.json").write_text('{"type": "object"}')
    file.write_text(f'{file.read_text()}\n[{table}]\nparameters = "parameters.schema.json"\n')
    sentence = f"product.toml: parameters has no effect; it stands below [{table}]; move it above the first table"
    assert sentence in problems_of(folder)


def test_a_label_called_like_a_key_is_a_label(folder: Path):
    file = folder / "product.toml"
    file.write_text(f'{file.read_text()}\n[labels]\nparameters = "many"\n')
    assert load_product(folder, plan_problems).labels == {"parameters": "many"}


def test_the_keys_that_can_be_misplaced_are_the_files_keys():
    tables = {"labels", "quota", "container_activities"}
    assert ProductDocument.model_fields.keys() - tables == misplaced_keys.KEYS


def test_the_quota_is_what_the_file_states(folder: Path):
    file = folder / "product.toml"
    file.write_text(f'{file.read_text()}\n[quota]\npods = 2\ncpu = "500m"\n')
    assert load_product(folder, plan_problems).quota == ExtraQuota(2, "500m", "0")


OCI = {"oci": "oci://registry.example:5000/charts/crm", "version": "1.4.2", "digest": f"sha256:{'a' * 64}"}


def test_the_chart_may_be_in_a_registry(folder: Path):
    change(folder, chart={**OCI, "connection": "our_registry"})
    chart = load_product(folder, plan_problems).chart
    assert chart == OciChart(OCI["oci"], OCI["version"], OCI["digest"], "our_registry")


@pytest.mark.parametrize(
    "changes",
    [
        {"oci": "https://registry.example/charts/crm"},
        {"oci": "oci://registry.example"},
        {"oci": "oci://registry.example/charts/crm:1.4.2"},
        {"oci": "oci://registry.example/../crm"},
        {"digest": "sha256:abc"},
        {"digest": "latest"},
        {"version": ""},
        {"connection": "not an id"},
        {"tag": "1"},
    ],
)
def test_a_chart_in_a_registry_with_mistakes_says_what_it_must_be(folder: Path, changes: dict[str, str]):
    change(folder, chart={**OCI, **changes})
    [problem] = problems_of(folder)
    assert problem.startswith("product.toml: chart must be the relative path of a folder, or { oci, version, digest }")
