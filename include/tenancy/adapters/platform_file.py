"""Reads the platform file's document: pydantic checks its shape, saga/platform_values.py its values.

It reports all mistakes at once, each with its place in the file. Called by bootstrap.py, which opens the file.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from tenancy.saga.errors import PlatformFileError
from tenancy.saga.platform import Plan, Platform, Region
from tenancy.saga.platform_values import NAME, plan_problems, region_problems
from tenancy.saga.stalls import TENANT_LIMITS
from tenancy.saga.systems import IDENTITY, LOST_SYSTEM

_LONGEST_MINUTES: Final = 1_000_000
"""TOML allows inf and nan."""

_Name = Annotated[str, Field(pattern=f"^(?:{NAME.pattern})$")]
_Text = Annotated[str, Field(pattern=r"\S", description="a text")]
_Count = Annotated[int, Field(gt=0, description="a positive whole number")]
_Offered = Annotated[bool, Field(description="true or false")]
_Minutes = dict[str, Annotated[float, Field(gt=0, lt=_LONGEST_MINUTES, allow_inf_nan=False)]]


_CONNECTIONS: Final = "a table of kind of system = id of an Airflow connection, texts both"


class _Table(BaseModel):
    """Converts nothing and refuses unknown keys. A field's description completes "must be …"."""

    model_config = ConfigDict(strict=True, extra="forbid")


class _PlatformTable(_Table):
    name: _Name
    jobs_namespace: Annotated[
        str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$", description="the name of a namespace")
    ] = "tenancy-jobs"


class _RegionTable(_Table):
    storage_connection: _Text
    cluster_connection: _Text
    ingress_domain: _Text
    capacity: _Count
    offered: _Offered = True
    connections: Annotated[dict[str, str], Field(description=_CONNECTIONS)] = {}


class _PlanOfProduct(_Table):
    """What a plan has otherwise for one product."""

    database_connections: _Count | None = None
    workflow_pool: _Text | None = None
    replicas: _Count | None = None
    cpu: _Text | None = None
    memory: _Text | None = None


class _PlanTable(_Table):
    database_connections: _Count
    workflow_pool: _Text
    replicas: _Count
    cpu: _Text
    memory: _Text
    quota: Annotated[int | None, Field(gt=0, description="a positive whole number")] = None
    offered: _Offered = True
    products: Annotated[dict[_Name, _PlanOfProduct], Field(description="a table of tables")] = {}


class _Document(_Table):
    platform: _PlatformTable
    regions: Annotated[dict[_Name, _RegionTable], Field(min_length=1)]
    plans: Annotated[dict[_Name, _PlanTable], Field(min_length=1)]
    stall_limits_minutes: _Minutes = {}
    give_up_minutes: _Minutes = {}
    replaced_systems: dict[str, Any] = {}


_Section = Literal["regions", "plans"]
_TABLES: Final[Mapping[str, type[_Table]]] = {"regions": _RegionTable, "plans": _PlanTable}


def parse_platform(document: Mapping[str, Any], activities: Collection[str] | None) -> Platform:
    """The platform of a parsed TOML document. PlatformFileError lists all mistakes. `activities` may have a time
    limit; None: not all of them are known, so every name may."""
    parsed, problems = _read(document)
    problems += [
        *_offers_none(document, "regions"),
        *_offers_none(document, "plans"),
        *_wrong_values(document, "regions", region_problems),
        *_wrong_values(document, "plans", plan_problems),
        *_wrong_values_of_products(_table(document, "plans")),
        *_unknown_limits(document, "stall_limits_minutes", activities, TENANT_LIMITS),
        *_unknown_limits(document, "give_up_minutes", activities),
        *_wrong_successors(_table(document, "replaced_systems")),
    ]
    if parsed is None or problems:
        raise PlatformFileError("The platform file is wrong: " + "; ".join(problems) + ".")
    return Platform(
        name=parsed.platform.name,
        regions={name: Region(name=name, **dict(table)) for name, table in parsed.regions.items()},
        plans={name: _plan(name, table) for name, table in parsed.plans.items()},
        stall_limits=_durations(parsed.stall_limits_minutes),
        give_up=_durations(parsed.give_up_minutes),
        replaced_systems=parsed.replaced_systems,
        jobs_namespace=parsed.platform.jobs_namespace,
    )


def _plan(name: str, table: _PlanTable) -> Plan:
    products = {product: own.model_dump(exclude_none=True) for product, own in table.products.items()}
    return Plan(name=name, **{**dict(table), "products": products})


def _read(document: Mapping[str, Any]) -> tuple[_Document | None, list[str]]:
    try:
        return _Document.model_validate(document), []
    except ValidationError as error:
        errors = sorted(error.errors(include_url=False), key=_is_inside_a_section)
        return None, [_sentence(each) for each in errors]


def _is_inside_a_section(error: ErrorDetails) -> bool:
    """Unknown sections come first: often one is misspelt, and so another is missing."""
    return error["type"] != "extra_forbidden" or len(error["loc"]) > 1


def _durations(minutes: Mapping[str, float]) -> dict[str, timedelta]:
    return {name: timedelta(minutes=number) for name, number in minutes.items()}


def _sentence(error: ErrorDetails) -> str:
    section, *place = map(str, error["loc"])
    if not place:
        return _of_section(section, error["type"])
    if place[1:2] == ["products"] and len(place) > 2:
        return f"[{section}.{place[0]}.products.{place[2]}] {_of_product(place[3:], error['type'])}"
    if section in _TABLES:
        return f"[{section}.{place[0]}] {_of_table(section, place[1:], error['type'])}"
    if section == "platform":
        field = _PlatformTable.model_fields.get(place[0])
        expected = (field and field.description) or "a lower-case word"
        return f"[platform] {_of_key(place[0], error['type'], expected)}"
    return f"[{section}] {place[0]} must be a positive number of minutes"


def _of_section(section: str, kind: str) -> str:
    if kind == "extra_forbidden":
        return f"unknown section [{section}]"
    if section in _TABLES:
        return f"there is no [{section}.<name>]"
    if kind == "missing":  # only [platform] is needed
        return "[platform] name must be a lower-case word"
    return f"[{section}] must be a table"


def _of_table(section: str, place: list[str], kind: str) -> str:
    if not place:
        return "must be a table"
    key = place[0]
    if key == "[key]":
        return "must have a lower-case name"
    if kind == "missing":
        return f"lacks {key}"
    field = _TABLES[section].model_fields.get(key)
    return _of_key(key, kind, str(field.description) if field else "")


def _of_product(place: list[str], kind: str) -> str:
    if not place:
        return "must be a table"
    if place[0] == "[key]":
        return "must have the name of a product"
    field = _PlanTable.model_fields.get(place[0])
    return _of_key(place[0], kind, str(field.description) if field else "")


def _of_key(key: str, kind: str, expected: str) -> str:
    return f"has an unknown key {key}" if kind == "extra_forbidden" else f"{key} must be {expected}"


def _table(document: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    """The section if it is a table. If it is not, the check of its shape reports that."""
    table = document.get(section)
    return table if isinstance(table, dict) else {}


def _offers_none(document: Mapping[str, Any], section: _Section) -> list[str]:
    tables = _table(document, section).values()
    retired = [isinstance(table, dict) and table.get("offered") is False for table in tables]
    return [f"[{section}] offers none: at least one must not have offered = false"] if retired and all(retired) else []


def _wrong_values(
    document: Mapping[str, Any], section: _Section, check: Callable[[Mapping[str, Any]], Iterator[str]]
) -> Iterator[str]:
    for name, table in _table(document, section).items():
        if isinstance(table, dict):
            yield from (f"[{section}.{name}] {problem}" for problem in check(table))


def _wrong_values_of_products(plans: Mapping[str, Any]) -> Iterator[str]:
    """Each product's values are judged together with the plan's, because limits depend on each other."""
    for name, plan in plans.items():
        products = plan.get("products") if isinstance(plan, dict) else None
        for product, own in products.items() if isinstance(products, dict) else ():
            if isinstance(own, dict):
                found = set(plan_problems({**plan, **own})) - set(plan_problems(plan))
                yield from (f"[plans.{name}.products.{product}] {problem}" for problem in sorted(found))


def _unknown_limits(
    document: Mapping[str, Any], section: str, activities: Collection[str] | None, others: Collection[str] = ()
) -> list[str]:
    names = (*(activities or ()), *others)
    known = ", ".join(names)
    unknown = () if activities is None else (name for name in _table(document, section) if name not in names)
    return [f"[{section}] has no {name} to limit (there are: {known})" for name in unknown]


def _wrong_successors(table: Mapping[str, Any]) -> list[str]:
    return [
        f'[replaced_systems] "{recorded}" must be another system\'s identity, such as "kubernetes:<uid>", or "lost"'
        for recorded, successor in table.items()
        if not isinstance(successor, str)
        or successor == recorded
        or (successor != LOST_SYSTEM and not IDENTITY.fullmatch(successor))
    ] + [
        f'[replaced_systems] "{recorded}" is no identity of a system, such as "postgresql:<identifier>"'
        for recorded in table
        if not IDENTITY.fullmatch(recorded)
    ]
