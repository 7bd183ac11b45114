"""Response models of tenants and actions. The OpenAPI is made from these classes."""

from datetime import datetime

from pydantic import BaseModel, Field

from tenancy.console.api.platform_models import FindingShape
from tenancy.engine.recovery.recovery_policy import StepKind
from tenancy.saga.recorded_values import RecordedValue
from tenancy.saga.states import ResourceState, State, Substate


class AdviceShape(BaseModel):
    """`next_action` for programs."""

    action: str = Field(description="The action it advises: cancel, reset, retry, decommission, escalate; or empty")
    until: datetime | None = Field(description="Wait until then first")
    seconds_left: float | None
    not_its_fault: bool = Field(description="The platform is at fault, not the tenant")
    warning: bool = Field(description="There is a problem, although no time limit has passed yet")


class StallShape(BaseModel):
    """A stall: what is over its time, and why as far as that is known."""

    kind: str = Field(description="activity, provisioning, in between, undoing, or untouched")
    activity: str | None
    since: datetime = Field(description="The start of the time that is over its limit")
    limit_seconds: float
    cause: str = Field(description="Such as storage.blocked; unknown")
    said: str


class TenantRow(BaseModel):
    """One tenant in a list."""

    id: str
    slug: str
    name: str
    plan: str
    region: str
    product: str = Field(description="Empty for a tenant of version 0.2 that was not retried since")
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
    advice: AdviceShape
    why: str = Field(description="The observed obstacle; empty if none was observed")
    stall: StallShape | None = Field(description="The time limit that has passed")
    platform_trouble: list[str] = Field(description="Present problems of the systems that it needs")
    class_issue: int | None = Field(description="The open class of stall that it belongs to: `/classes/{id}`")
    predecessor: str | None
    seq: int = Field(description="Of its newest fact; an action can name it as `seen`")


class Tenants(BaseModel):
    """A page of tenants, newest first."""

    tenants: list[TenantRow]
    next: str | None = Field(description="The cursor of the next page; null on the last")
    counts: dict[State, int] = Field(description="Of all tenants, without the filter")


class InvitationShape(BaseModel):
    """The tenant admin's invitation, shown to you and to nobody again."""

    tenant: str
    slug: str
    admin_email: str
    invitation: str
    sign_in: str = Field(
        description="The admin's sign-in address with it; a GET returns whether it is open, used or expired"
    )
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

    in_flight: str = Field(description="Who holds the tenant's lock; empty if no process does")
    undone: int
    to_undo: int
    left: list[ResourceShape]


class Permission(BaseModel):
    """Whether the state machine allows an action now."""

    allowed: bool
    refusal: str
    retry_after: int | None
    confirm_slug: bool = Field(description="The slug has to be typed: `confirm_slug`")
    confirm_id: bool = Field(description="The tenant's id has to be named: `tenant_id`, or in the path")


class NoteShape(BaseModel):
    """What somebody noted about the tenant."""

    seq: int = Field(description="Of its fact")
    at: datetime
    actor: str
    text: str


class Tenant(TenantRow):
    """One tenant with all that an operator decides by."""

    admin_email: str
    parameters: dict[str, str | int | float | bool] = Field(
        description="The product's own parameters, defaults included. A secret's value is the id of the Airflow "
        "connection that has it"
    )
    failures: list[Failure]
    warnings: list[str]
    held: str = Field(description="Why its run waits, or empty")
    escalation: str = Field(description="The state of its escalation: which channel accepted it and when; or empty")
    progress: ProgressShape
    actions: dict[str, Permission]
    url: str = Field(description="Its address once it is Active; empty before")
    outputs: dict[str, dict[str, RecordedValue]] = Field(
        description="What its activities returned, by activity and name; empty once nothing of it is left"
    )
    findings: list[FindingShape] = Field(description="The last drift check's findings about it; at most 50")
    notes: list[NoteShape] = Field(description="The newest 20, newest first; all are in its audit log")


class Resources(BaseModel):
    """All that was ever intended for the tenant."""

    resources: list[ResourceShape]


class PreviewShape(BaseModel):
    """What an action would do."""

    action: str
    allowed: bool = Field(description="Whether the same request without dry_run would be accepted now")
    refusal: str = Field(description="The sentence with which it would be refused; or empty")
    field: str | None = Field(description="The invalid input, if the refusal concerns one")
    retry_after: int | None
    undone: list[ResourceShape] = Field(description="The resources that would be undone, in order")
    kept: list[ResourceShape]
    confirm_slug: bool
    confirm_id: bool
    warnings: list[str]
    said: str


class Action(BaseModel):
    """What an action did, and the tenant afterwards."""

    tenant: Tenant
    said: str
    warnings: list[str]
    progress: ProgressShape


class Recovery(BaseModel):
    """The step that a recovery took, or in a dry run would take, and the tenant afterwards."""

    kind: StepKind = Field(
        description="`act`: it took `action`. `wait`: it continues by itself, or the platform has to be repaired "
        "first. Ask again after `retry_after` in both cases. `done`: it is Active. `stop`: a person has to decide"
    )
    action: str = Field(description="cancel, reset or retry; empty unless it acts")
    why: str
    retry_after: int | None = Field(description="Seconds after which to ask again; null when the recovery has ended")
    began_at: int = Field(description="Send it with the next request, so that it continues this recovery")
    done: list[str] = Field(description="The actions since the recovery began, oldest first")
    remaining: list[str] = Field(description="The actions that remain if all goes well")
    message: str = Field(description="What the action did, in a sentence; empty if it did nothing")
    warnings: list[str]
    preview: PreviewShape | None = Field(description="What the action undoes and keeps; null unless it acts")
    confirm_slug: bool = Field(description="The slug has to be typed: `confirm_slug`")
    confirm_id: bool = Field(description="The tenant's id has to be named: `tenant_id`, or in the path")
    tenant: Tenant
