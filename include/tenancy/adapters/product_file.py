"""Reads a product's folder: `product.toml` by pydantic, and which files it names. Nothing is rendered or run here.

All mistakes are named at once, each with its file and key. Called by bootstrap.py, once in a process, and by the
command `tenantctl product check`, which looks at the files' contents, too (products/check.py).
"""

import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml

from tenancy.adapters.container_tables import read_containers
from tenancy.adapters.migration_folder import WHAT_IT_MUST_HAVE, has_migrations, migrations_in
from tenancy.adapters.misplaced_keys import misplaced
from tenancy.adapters.product_document import ProductDocument, read_document
from tenancy.adapters.product_error import product_error
from tenancy.adapters.quota_table import read_quota
from tenancy.saga.names import ActivityName
from tenancy.saga.product import ContainerSpec, MigrationJob, OciChart, Product
from tenancy.saga.product_parameters import Parameter

PRODUCT_FILE: Final = "product.toml"
ADMIN_STATEMENTS: Final = ("create.sql", "exists.sql", "invitation.sql", "renew.sql")
"""The files of the folder `admin_account`."""
_OUR_LABELS: Final = ("tenancy.internal/", "app.kubernetes.io/")

PlanProblems = Callable[[Sequence[str], Sequence[ContainerSpec]], Iterable[str]]
"""What is wrong with a list of activities, of which some are container activities (activities/plan.py)."""


def load_product(folder: Path, plan_problems: PlanProblems) -> Product:
    """The product in this folder; ProductFileError lists all that is wrong with it.

    Of the files that `product.toml` names only the parameters' schema is read; of all others the existence is checked.
    """
    file = folder / PRODUCT_FILE
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise product_error(folder, [f"{PRODUCT_FILE}: cannot be read: {_reason(error)}"]) from error
    except tomllib.TOMLDecodeError as error:
        raise product_error(folder, [f"{PRODUCT_FILE}: is not TOML: {error}"]) from error
    parsed, problems = read_document(document)
    home = folder.resolve()
    named = document if parsed is None else parsed.model_dump()
    containers, wrong_containers = read_containers(named, str(named.get("name")))
    quota, wrong_quota = read_quota(named.get("quota", {}))
    problems += [*wrong_containers, *wrong_quota]
    problems += [*_wrong_name(named, home), *_wrong_plan(named, containers, plan_problems), *_wrong_files(named, home)]
    problems += [*misplaced(document, home), *_unused_keys(named)]
    problems += [*_reserved_labels(named), *_job_before_its_namespace(named)]
    parameters, wrong = _read_parameters(named, home)
    if parsed is None or problems or wrong:
        raise product_error(folder, [*(f"{PRODUCT_FILE}: {each}" for each in problems), *wrong])
    return replace(_product(parsed, home), containers=containers, parameters=parameters, quota=quota)


def load_containers(folder: Path) -> tuple[ContainerSpec, ...]:
    """The container activities of the product in this folder, whatever else is wrong with it: what they made must be
    undone. ProductFileError when the file or one of their tables is wrong."""
    file = folder / PRODUCT_FILE
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise product_error(folder, [f"{PRODUCT_FILE}: cannot be read: {error}"]) from error
    containers, problems = read_containers(document, folder.name)
    if problems:
        raise product_error(folder, [f"{PRODUCT_FILE}: {each}" for each in problems])
    return containers


def chart_version(product: Product) -> str:
    """The version of the product's chart, as its Chart.yaml states it; empty when the product has none."""
    if product.chart is None:
        return ""
    if isinstance(product.chart, OciChart):
        return product.chart.version
    try:
        stated = yaml.safe_load((product.chart / "Chart.yaml").read_text(encoding="utf-8"))
        return str(stated["version"])
    except (OSError, ValueError, yaml.YAMLError, TypeError, KeyError) as error:
        raise product_error(product.folder, ["chart/Chart.yaml: version: cannot be read"]) from error


def newest_revision(product: Product) -> str:
    """The version to which the product's migrations lead; empty when the product has none."""
    if product.migration_job:
        return product.migration_job.version
    return migrations_in(product.migrations).newest() if product.migrations else ""


def _wrong_name(document: dict[str, Any], home: Path) -> list[str]:
    name = document.get("name")
    return [f"name must be {home.name}, as the folder"] if isinstance(name, str) and name != home.name else []


def _wrong_plan(
    document: dict[str, Any], containers: Sequence[ContainerSpec], plan_problems: PlanProblems
) -> list[str]:
    names = document.get("activities")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        return []  # the shape's check complains
    return [f"activities: {problem}" for problem in plan_problems(names, containers)]


_FILES: Final[dict[str, tuple[str, ...]]] = {
    "chart": ("Chart.yaml",),
    "values": (),
    "migrations": (),
    "admin_account": ADMIN_STATEMENTS,
    "parameters": (),
}
"""Key -> the files that must be in its folder."""
_SINGLE_FILES: Final = frozenset({"values", "parameters"})


def _wrong_files(document: dict[str, Any], home: Path) -> Iterator[str]:
    for key, needed in _FILES.items():
        given = document.get(key)
        if isinstance(given, str) and given.strip():
            yield from (f"{key}: {problem}" for problem in _wrong_path(key, given, home, needed))


def _wrong_path(key: str, given: str, home: Path, needed: tuple[str, ...]) -> Iterator[str]:
    path = home / given
    if os.path.isabs(given) or not _is_inside(path, home):  # noqa: PTH117 - a text, not a path yet
        yield f"{given} must be inside the product's folder"
    elif key in _SINGLE_FILES:
        yield from () if path.is_file() else (f"there is no file {given}",)
    elif not path.is_dir():
        yield f"there is no folder {given}"
    else:
        yield from (f"the folder {given} has no {name}" for name in needed if not (path / name).is_file())
        if key == "migrations" and not has_migrations(path):
            yield f"the folder {given} has {WHAT_IT_MUST_HAVE}"
        yield from (f"{link} leads out of the product's folder" for link in _ways_out(path, home))


def _read_parameters(document: dict[str, Any], home: Path) -> tuple[tuple[Parameter, ...], list[str]]:
    """The parameters of the product's schema, and what is wrong with it."""
    name = document.get("parameters")
    if not isinstance(name, str) or not name.strip() or any(_wrong_path("parameters", name, home, ())):
        return (), []  # the check of paths complains
    from tenancy.adapters.parameter_schema import read_schema

    try:
        parameters, problems = read_schema((home / name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        return (), [f"{name}: cannot be read: {_reason(error)}"]
    return parameters, [f"{name}: {each}" for each in problems]


def _is_inside(path: Path, home: Path) -> bool:
    return path.resolve().is_relative_to(home) and path.resolve() != home


def _ways_out(folder: Path, home: Path) -> Iterator[str]:
    links = (path for path in sorted(folder.rglob("*")) if path.is_symlink())
    return (str(path.relative_to(home)) for path in links if not _is_inside(path, home))


_NEEDS: Final = {"deploy_workloads": ("chart", "values"), "apply_tenant_schema": ("migrations",)}
"""Activity -> the keys that it needs; without it they would mean nothing."""


def _unused_keys(document: dict[str, Any]) -> Iterator[str]:
    names = document.get("activities")
    listed = names if isinstance(names, list) else []
    for activity, keys in _NEEDS.items():
        for key in keys:
            if activity in listed and not document.get(key):
                yield f"{key} is missing: the activity {activity} needs it"
            elif activity not in listed and document.get(key):
                yield f"{key} has no effect without the activity {activity}"
    if document.get("admin_account") and not document.get("migrations"):
        yield "admin_account has no effect without migrations"


def _job_before_its_namespace(document: dict[str, Any]) -> Iterator[str]:
    names = document.get("activities")
    if not isinstance(document.get("migrations"), dict) or not isinstance(names, list):
        return
    if "apply_tenant_schema" in names and "deploy_workloads" not in names[: names.index("apply_tenant_schema")]:
        yield (
            "activities: a migration Job runs in the tenant's namespace, so deploy_workloads must come before "
            "apply_tenant_schema"
        )


def _reserved_labels(document: dict[str, Any]) -> list[str]:
    labels = document.get("labels")
    ours = [key for key in labels if key.startswith(_OUR_LABELS)] if isinstance(labels, dict) else []
    return [f"labels: {key} is set by Tenancy itself" for key in ours]


def _migration_job(parsed: ProductDocument) -> MigrationJob | None:
    if parsed.migrations is None or isinstance(parsed.migrations, str):
        return None
    job = parsed.migrations.job
    return MigrationJob(job.image, job.version, tuple(job.command), job.timeout_minutes)


def _chart(parsed: ProductDocument, home: Path) -> Path | OciChart | None:
    given = parsed.chart
    if given is None or isinstance(given, str):
        return home / given if given else None
    return OciChart(given.oci, given.version, given.digest, given.connection or "")


def _product(parsed: ProductDocument, home: Path) -> Product:
    def path(given: str | None) -> Path | None:
        return home / given if given else None

    return Product(
        name=parsed.name,
        version=parsed.version,
        folder=home,
        activities=tuple(ActivityName(name) for name in parsed.activities),
        chart=_chart(parsed, home),
        values=path(parsed.values),
        migrations=path(parsed.migrations) if isinstance(parsed.migrations, str) else None,
        migration_job=_migration_job(parsed),
        admin_account=path(parsed.admin_account),
        plans=tuple(parsed.plans or ()),
        labels=parsed.labels,
    )


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8"
