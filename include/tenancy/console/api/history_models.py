"""Response models of a tenant's history: the timeline, the errors, the actions, the audit log."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from tenancy.ledger.timeline import CompensationStatus, RowStatus


class ResourceMark(BaseModel):
    """A resource in a timeline: might it still exist?"""

    kind: str
    name: str
    live: bool


class TimelineRow(BaseModel):
    """One activity in one attempt."""

    activity: str
    label: str
    short_label: str
    status: RowStatus
    undo: CompensationStatus
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    limit_seconds: float | None
    tries: int
    message: str
    resources: list[ResourceMark]


class ProductUsed(BaseModel):
    """The product that an attempt began with. A digest tells whether two attempts had the same files."""

    name: str = Field(description="Empty for attempts of version 0.2 and before")
    version: str
    chart_version: str
    chart_digest: str = Field(description="Empty when the product has no chart")
    values_digest: str = Field(description="Of the values template")
    schema_version: str = Field(description="The newest version of the migrations; empty without migrations")


class Attempt(BaseModel):
    """One attempt, activities in the order of the plan it started with."""

    attempt: int
    run_id: str
    dag_id: str = Field(description="The DAG of that run")
    started_at: datetime
    product: ProductUsed
    rows: list[TimelineRow]
    notes: list[str]


class TimelineShape(BaseModel):
    """Every attempt, oldest first."""

    attempts: list[Attempt]


class ErrorShape(BaseModel):
    """One failure or refusal."""

    at: datetime
    attempt: int
    activity: str
    error: str
    message: str


class Errors(BaseModel):
    """All that went wrong or was refused, oldest first."""

    errors: list[ErrorShape]


class PastActionShape(BaseModel):
    """One action that somebody took, or was refused."""

    action: str
    actor: str
    at: datetime
    reason: str
    attempt: int = Field(description="For a retry, the attempt that it started")
    result: str = Field(description="Such as `Failed settled at 03:09:01`, `still under way` or `refused: …`. In UTC")
    ended_at: datetime | None = Field(description="When the result was known; null while the action is under way")
    refused: bool
    summary: str = Field(description="All of it in one line")


class ActionHistory(BaseModel):
    """Every cancel, reset, retry and decommission of the tenant, and every refused one, oldest first."""

    actions: list[PastActionShape]


class FactShape(BaseModel):
    """One fact of the audit log."""

    seq: int
    at: datetime
    kind: str
    attempt: int
    actor: str
    reason: str
    lease: str
    data: Any = Field(description="An object, unless somebody tampered with it")


class Audit(BaseModel):
    """A page of the audit log."""

    facts: list[FactShape]
    next: int | None = Field(description="`after` of the next page; null on the last")
    chain: str = Field(description="`whole`, or `broken at N`: fact N was altered, lost or moved")
