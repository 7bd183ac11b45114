"""The platform file's content: regions, plans and time limits.

Values only: bootstrap.py reads the file. `parse` reports all mistakes at once, each with its place in the file.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from tenancy.saga.errors import PlatformFileError
from tenancy.saga.platform_values import NAME, wrong_in_plan, wrong_in_region
from tenancy.saga.stalls import TENANT_LIMITS
from tenancy.saga.systems import IDENTITY, LOST_SYSTEM

_LONGEST_MINUTES: Final = 1_000_000
"""TOML has inf and nan, too."""


@dataclass(frozen=True)
class Region:
    """Where tenants live. Connections are ids of Airflow connections: everything secret is there."""

    name: str
    storage_connection: str
    cluster_connection: str
    ingress_domain: str
    capacity: int
    """How many tenants that are not decommissioned the region takes."""
    offered: bool = True
    """May new tenants have it? Existing tenants keep a retired region, and are observed and released as before."""


@dataclass(frozen=True)
class Plan:
    """What a tenant gets."""

    name: str
    database_connections: int
    workflow_pool: str
    replicas: int
    cpu: str
    memory: str
    quota: int | None = None
    """How many tenants that are not decommissioned may be on this plan; None: as many as fit."""
    offered: bool = True
    """May new tenants have it?"""


@dataclass(frozen=True)
class Platform:
    """The whole offer. `name` is part of every proof of ownership, so that two platforms can share a server."""

    name: str
    regions: Mapping[str, Region]
    plans: Mapping[str, Plan]
    stall_limits: Mapping[str, timedelta]
    """What is stuck after how long, where the platform file departs from the runbook: activities and TENANT_LIMITS."""
    give_up: Mapping[str, timedelta] = field(default_factory=dict)
    """Activity -> after how long it is ended, where the platform file departs from PLAN."""
    replaced_systems: Mapping[str, str] = field(default_factory=dict)
    """Identity of a system that is gone for good -> the one that took over its objects, or LOST_SYSTEM."""

    @property
    def offered_regions(self) -> tuple[str, ...]:
        """Those that new tenants may have."""
        return tuple(name for name, region in self.regions.items() if region.offered)

    @property
    def offered_plans(self) -> tuple[str, ...]:
        """Those that new tenants may have."""
        return tuple(name for name, plan in self.plans.items() if plan.offered)


_REGION_KEYS: Final = {
    "storage_connection": str,
    "cluster_connection": str,
    "ingress_domain": str,
    "capacity": int,
}
_PLAN_KEYS: Final = {
    "database_connections": int,
    "workflow_pool": str,
    "replicas": int,
    "cpu": str,
    "memory": str,
}


def parse(document: Mapping[str, Any], activities: Collection[str]) -> Platform:
    """The platform that a parsed TOML document states; PlatformFileError lists all that is wrong with it.

    `activities` are those that may have a stall limit: this package does not know PLAN.
    """
    problems = [
        *_check_top(document),
        *_check_tables(document, "regions", _REGION_KEYS, {"offered": bool}),
        *_check_tables(document, "plans", _PLAN_KEYS, {"quota": int, "offered": bool}),
        *_check_offered(document, "regions"),
        *_check_offered(document, "plans"),
        *_check_values(document, "regions", wrong_in_region),
        *_check_values(document, "plans", wrong_in_plan),
        *_check_minutes(document, "stall_limits_minutes", (*activities, *TENANT_LIMITS)),
        *_check_minutes(document, "give_up_minutes", activities),
        *_check_replaced(document.get("replaced_systems", {})),
    ]
    if problems:
        raise PlatformFileError("The platform file is wrong: " + "; ".join(problems) + ".")
    return Platform(
        name=document["platform"]["name"],
        regions={name: Region(name=name, **table) for name, table in document["regions"].items()},
        plans={name: Plan(name=name, **table) for name, table in document["plans"].items()},
        stall_limits=_minutes(document, "stall_limits_minutes"),
        give_up=_minutes(document, "give_up_minutes"),
        replaced_systems=dict(document.get("replaced_systems", {})),
    )


def _check_replaced(table: Any) -> list[str]:
    if not isinstance(table, dict):
        return ["[replaced_systems] must be a table"]
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


def _minutes(document: Mapping[str, Any], section: str) -> dict[str, timedelta]:
    return {name: timedelta(minutes=minutes) for name, minutes in document.get(section, {}).items()}


_SECTIONS: Final = frozenset(
    {"platform", "regions", "plans", "stall_limits_minutes", "give_up_minutes", "replaced_systems"}
)


def _check_top(document: Mapping[str, Any]) -> list[str]:
    unknown = set(document) - _SECTIONS
    return [*(f"unknown section [{key}]" for key in sorted(unknown)), *_check_platform(document.get("platform", {}))]


def _check_platform(table: Any) -> list[str]:
    if not isinstance(table, dict):
        return ["[platform] must be a table"]
    problems = [f"[platform] has an unknown key {key}" for key in table if key != "name"]
    name = table.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        problems.append("[platform] name must be a lower-case word")
    return problems


def _check_tables(
    document: Mapping[str, Any], section: str, needed: Mapping[str, type], optional: Mapping[str, type]
) -> list[str]:
    tables = document.get(section)
    if not isinstance(tables, dict) or not tables:
        return [f"there is no [{section}.<name>]"]
    return [
        f"[{section}.{name}] {problem}"
        for name, table in tables.items()
        for problem in _check_table(name, table, needed, optional)
    ]


def _check_offered(document: Mapping[str, Any], section: str) -> list[str]:
    tables = document.get(section)
    tables = tables.values() if isinstance(tables, dict) else ()
    retired = [isinstance(table, dict) and table.get("offered") is False for table in tables]
    return [f"[{section}] offers none: at least one must not have offered = false"] if retired and all(retired) else []


_EXPECTED: Final = {int: "a positive whole number", str: "a text", bool: "true or false"}


def _check_table(name: str, table: Any, needed: Mapping[str, type], optional: Mapping[str, type]) -> list[str]:
    if not isinstance(table, dict):
        return ["must be a table"]
    problems = [] if NAME.fullmatch(name) else ["must have a lower-case name"]
    problems += [f"lacks {key}" for key in needed if key not in table]
    problems += [f"has an unknown key {key}" for key in table if key not in needed and key not in optional]
    known = {**needed, **optional}
    return problems + [
        f"{key} must be {_EXPECTED[known[key]]}"
        for key, value in table.items()
        if key in known and not _fits(value, known[key])
    ]


def _fits(value: Any, kind: type) -> bool:
    if kind is bool:
        return isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0
    return isinstance(value, str) and bool(value.strip())


def _check_values(
    document: Mapping[str, Any], section: str, check: Callable[[Mapping[str, Any]], Iterator[str]]
) -> list[str]:
    tables = document.get(section)
    return [
        f"[{section}.{name}] {problem}"
        for name, table in (tables.items() if isinstance(tables, dict) else ())
        if isinstance(table, dict)
        for problem in check(table)
    ]


def _check_minutes(document: Mapping[str, Any], section: str, names: Collection[str]) -> list[str]:
    limits = document.get(section, {})
    if not isinstance(limits, dict):
        return [f"[{section}] must be a table"]
    known = ", ".join(names)
    unknown = [f"[{section}] has no {name} to limit (there are: {known})" for name in limits if name not in names]
    return unknown + [
        f"[{section}] {name} must be a positive number of minutes"
        for name, minutes in limits.items()
        if not isinstance(minutes, int | float) or isinstance(minutes, bool) or not 0 < minutes < _LONGEST_MINUTES
    ]
