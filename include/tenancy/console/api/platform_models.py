"""Response models of the platform: regions and plans, health, the findings of the drift check."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from tenancy.ledger.findings import FindingKind


class PlatformShape(BaseModel):
    """Plans, regions and products that a request may name."""

    name: str
    regions: list[str]
    plans: list[str]
    products: list[str] = Field(description="Also one with mistakes; the health says so")
    default_product: str = Field(description="That of a request that names none; empty if none was chosen")
    retired_regions: list[str] = Field([], description="Known, and not offered to new tenants (`offered = false`)")
    retired_plans: list[str] = Field([], description="Likewise")


class ProductShape(BaseModel):
    """A product, and what a request for it may have."""

    name: str
    default: bool = Field(description="That of a request that names none")
    version: str = Field(default="", description="Empty while it has mistakes")
    dag: str = Field(description="The DAG whose runs provision it")
    plans: list[str] = Field(default=[], description="Those that a new tenant may have")
    activities: list[str] = Field(default=[], description="In order")
    parameters: dict[str, Any] = Field(default={}, description="JSON Schema of a request's `parameters`")
    mistakes: list[str] = Field(default=[], description="Why no tenant of it can be created")


class Products(BaseModel):
    """All products, in alphabetical order."""

    products: list[ProductShape]


class LedgerHealth(BaseModel):
    """The ledger answers."""

    version: str
    milliseconds: float = Field(description="To open a session and read one row")


class Reconciler(BaseModel):
    """A reconciler's pulse."""

    name: str
    last_beat: datetime | None
    late: bool
    summary: str


class HealthCheck(BaseModel):
    """One system of the platform, or a part of it."""

    system: str = Field(description="ledger, engine, storage, cluster, ingress, capacity, quota or product")
    region: str | None
    part: str = Field(description="Such as scheduler, a pool, a plan or a product; empty where the system is one")
    state: str = Field(description="ok, degraded, down, or unknown if it could not be checked")
    said: str
    since: datetime | None = Field(
        description="Since when it is not ok: as the system states it, or when it was first observed"
    )
    measured: dict[str, int | float | str]
    checked_at: datetime | None
    took_seconds: float


class Health(BaseModel):
    """The platform's health, and whether its periodic jobs run."""

    state: str = Field(description="The worst of all checks")
    looked_at: datetime | None = Field(description="When these checks began; null before the first has ended")
    age_seconds: float | None
    checks: list[HealthCheck]
    ledger: LedgerHealth | None = Field(description="null: it is down")
    engine: str = Field(description="The workflow engine's problem; empty if it has none")
    reconcilers: list[Reconciler]


class FindingShape(BaseModel):
    """A difference between the ledger and the outside world, or between the ledger's rows and its facts."""

    what: FindingKind = Field(
        description="orphan: exists, no tenant has it; missing: an Active tenant's; drift: edited rows"
    )
    kind: str
    name: str
    region: str = Field(description="Empty if all regions share it")
    tenant: str | None = Field(description="The id that its mark names; the ledger may not know it")
    slug: str = Field(description="Empty if the ledger does not know the tenant")
    since: datetime
    confirmed_at: datetime
    said: str = Field(description="The difference, and what to do")


class Findings(BaseModel):
    """The present findings, oldest first."""

    findings: list[FindingShape]
    cut: bool = Field(description="There are more than these 500")
    check: Reconciler = Field(description="The drift check: when it last ran, what it could not check")
