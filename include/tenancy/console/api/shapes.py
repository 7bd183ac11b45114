"""What the API answers: one model a thing, documented in the OpenAPI by these very classes."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from tenancy.ledger.findings import What
from tenancy.ledger.timeline import RowStatus, Undo
from tenancy.saga.states import ResourceState, State, Substate


class TenantRow(BaseModel):
    """One tenant in a list."""

    id: str
    slug: str
    name: str
    plan: str
    region: str
    state: State
    substate: Substate | None
    activity: str | None = Field(description="The first activity that is not done")
    activity_label: str | None
    attempt: int
    generation: int
    run_id: str
    created_at: datetime
    state_since: datetime
    seconds_in_state: float
    needs_attention: bool
    next_action: str = Field(description="The next step in a sentence, the same everywhere")
    advice: "AdviceShape"
    stall: "StallShape | None" = Field(description="What is over its time just now")
    platform_trouble: list[str] = Field(description="What is wrong with the systems that its cause is about")
    class_issue: int | None = Field(description="The open class of stall that it belongs to: `/classes/{id}`")
    predecessor: str | None
    seq: int = Field(description="Of its newest fact; an action can name it as `seen`")


class AdviceShape(BaseModel):
    """What `next_action` says, for programs."""

    action: str = Field(description="The action it advises: cancel, reset, retry, decommission, escalate; or empty")
    until: datetime | None = Field(description="Wait until then first")
    seconds_left: float | None
    not_its_fault: bool = Field(description="The platform's matter, not the tenant's")


class StallShape(BaseModel):
    """A stall: what is over its time, and why as far as that is known."""

    kind: str = Field(description="activity, provisioning, in between, undoing, or untouched")
    activity: str | None
    since: datetime = Field(description="When the clock began that is over its limit")
    limit_seconds: float
    cause: str = Field(description="Such as storage.blocked; unknown")
    said: str


class ClassShape(BaseModel):
    """A class of stall: three or more tenants that do not get on for one cause."""

    id: int
    sentence: str = Field(description="Where, and what one of its tenants was told")
    activity: str = Field(description="Empty when it is no activity's")
    cause: str
    error: str = Field(description="What the errors have in common: numbers, ids and tenants' names are #")
    region: str
    chart_version: str
    schema_version: str
    members: int = Field(description="How many tenants belong to it now")
    first_at: datetime
    last_at: datetime
    opened_at: datetime
    closed_at: datetime | None = Field(description="It closes by itself when nobody is left")
    next_action: str


class ClassMember(BaseModel):
    """A tenant of a class."""

    id: str
    slug: str
    state: State
    substate: Substate | None
    stalled: bool = Field(description="Something of it is over its time")
    joined_at: datetime
    left_at: datetime | None = Field(description="Null while it belongs to the class")


class Classes(BaseModel):
    """What is so now, oldest first."""

    classes: list[ClassShape]
    cut: bool = Field(description="There are more than these 100")


class ClassInFull(ClassShape):
    """A class with all who belong to it, or did: first those that are not Active."""

    tenants: list[ClassMember]
    cut: bool = Field(description="There are more than these 1,000")


class Tenants(BaseModel):
    """A page of tenants, newest first."""

    tenants: list[TenantRow]
    next: str | None = Field(description="The cursor of the next page; null on the last")
    counts: dict[State, int] = Field(description="Of all tenants, whatever was filtered")


class InvitationShape(BaseModel):
    """The tenant admin's invitation, shown to you and to nobody again."""

    tenant: str
    slug: str
    admin_email: str
    invitation: str
    sign_in: str = Field(description="Where the admin signs in with it; a GET says whether it is open, used or expired")
    expires_at: datetime


class Failure(BaseModel):
    """Where and how an attempt ended."""

    attempt: int
    activity: str
    message: str


class ResourceShape(BaseModel):
    """An outside object of the tenant."""

    kind: str
    name: str
    state: ResourceState
    activity: str


class ProgressShape(BaseModel):
    """Of an unwinding."""

    in_flight: str = Field(description="Who holds the tenant's lock; empty when nobody does")
    undone: int
    to_undo: int
    left: list[ResourceShape]


class Permission(BaseModel):
    """Whether the law allows an action now."""

    allowed: bool
    refusal: str
    retry_after: int | None
    confirm_slug: bool


class FindingShape(BaseModel):
    """Where the ledger and the world, or the ledger and its facts, differ."""

    what: What = Field(description="orphan: exists, no tenant has it; missing: an Active tenant's; drift: edited rows")
    kind: str
    name: str
    region: str = Field(description="Empty where no region has its own")
    tenant: str | None = Field(description="The id that its mark names; the ledger may not know it")
    slug: str = Field(description="Empty when the ledger does not know the tenant")
    since: datetime
    confirmed_at: datetime
    said: str = Field(description="What is so, and what to do")


class Tenant(TenantRow):
    """One tenant with all that an operator decides by."""

    admin_email: str
    failures: list[Failure]
    warnings: list[str]
    held: str = Field(description="Why its run waits, or empty")
    progress: ProgressShape
    actions: dict[str, Permission]
    url: str = Field(description="Where it answers once it is Active")
    findings: list[FindingShape] = Field(description="What the last reality check found of it; at most 50")


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
    undo: Undo
    started_at: datetime | None
    ended_at: datetime | None
    seconds: float | None
    limit_seconds: float | None
    tries: int
    message: str
    resources: list[ResourceMark]


class Attempt(BaseModel):
    """One attempt, activities in the order of the plan it started with."""

    attempt: int
    run_id: str
    started_at: datetime
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


class Resources(BaseModel):
    """All that was ever intended for the tenant."""

    resources: list[ResourceShape]


class PreviewShape(BaseModel):
    """What an action would do."""

    action: str
    allowed: bool
    refusal: str
    retry_after: int | None
    undone: list[ResourceShape] = Field(description="What would be undone, in order")
    kept: list[ResourceShape]
    confirm_slug: bool
    warnings: list[str]
    said: str


class Action(BaseModel):
    """What an action did, and the tenant afterwards."""

    tenant: Tenant
    said: str
    warnings: list[str]
    progress: ProgressShape


class PlatformShape(BaseModel):
    """What may be asked for."""

    name: str
    regions: list[str]
    plans: list[str]


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

    system: str = Field(description="ledger, engine, storage, cluster, ingress, capacity or quota")
    region: str | None
    part: str = Field(description="Such as scheduler, a pool or a plan; empty where the system is one")
    state: str = Field(description="ok, degraded, down, or unknown where it could not be looked at")
    said: str
    since: datetime | None = Field(description="Since when it is not ok: by its own word, or first seen then")
    measured: dict[str, int | float | str]
    checked_at: datetime | None
    took_seconds: float


class Health(BaseModel):
    """How the platform is, and whether what finishes things is at work."""

    state: str = Field(description="The worst of all checks")
    looked_at: datetime | None = Field(description="When these checks were begun; null before the first has ended")
    age_seconds: float | None
    checks: list[HealthCheck]
    ledger: LedgerHealth | None = Field(description="null: it is down")
    engine: str = Field(description="What is wrong with the workflow engine; empty when nothing is")
    reconcilers: list[Reconciler]


class Findings(BaseModel):
    """What is so now, oldest first."""

    findings: list[FindingShape]
    cut: bool = Field(description="There are more than these 500")
    check: Reconciler = Field(description="Who looks: when last, what it could not look at")
