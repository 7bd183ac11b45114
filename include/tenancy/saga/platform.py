"""The platform file's content: regions, plans and time limits.

Values only: bootstrap.py reads the file. `parse` reports all mistakes at once, each with its place in the file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from tenancy.saga.product import Product


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
    connections: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Kind of system -> the id of the connection to it, for activities of packages (saga/connections.py)."""


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
    products: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict, hash=False)
    """Product -> its own values, by the name of the field above."""

    def of(self, product: str) -> "Plan":
        """The plan with the product's own values."""
        own: Any = self.products.get(product, {})
        return replace(self, **own)


@dataclass(frozen=True)
class Platform:
    """The whole offer. `name` is part of every proof of ownership, so that two platforms can share a server."""

    name: str
    regions: Mapping[str, Region]
    plans: Mapping[str, Plan]
    stall_limits: Mapping[str, timedelta]
    """What is stalled after how long, if the platform file differs from the runbook: activities and TENANT_LIMITS."""
    give_up: Mapping[str, timedelta] = field(default_factory=dict)
    """Activity -> after how long it is ended, where the platform file departs from the activity's own value."""
    replaced_systems: Mapping[str, str] = field(default_factory=dict)
    """Identity of a system that is gone for good -> the one that took over its objects, or LOST_SYSTEM."""

    jobs_namespace: str = "tenancy-jobs"
    """The namespace of each region's cluster in which the Jobs of container activities run."""
    source: str = ""
    """The path of the file, for the audit log."""

    @property
    def offered_regions(self) -> tuple[str, ...]:
        """Those that new tenants may have."""
        return tuple(name for name, region in self.regions.items() if region.offered)

    @property
    def offered_plans(self) -> tuple[str, ...]:
        """Those that new tenants may have."""
        return tuple(name for name, plan in self.plans.items() if plan.offered)

    def plans_for(self, product: Product) -> tuple[str, ...]:
        """Those that new tenants of this product may have."""
        return tuple(name for name in self.offered_plans if not product.plans or name in product.plans)
