"""Response models of incident groups, which the API calls classes."""

from datetime import datetime

from pydantic import BaseModel, Field

from tenancy.saga.states import State, Substate


class ClassShape(BaseModel):
    """A class of stall: three or more tenants that do not get on for one cause."""

    id: int
    sentence: str = Field(description="Where, and the message of one of its tenants")
    activity: str = Field(description="Empty if it concerns no activity")
    cause: str
    error: str = Field(description="What the errors have in common: numbers, ids and tenants' names are #")
    region: str
    chart_version: str
    schema_version: str
    product: str
    members: int = Field(description="How many tenants belong to it now")
    first_at: datetime
    last_at: datetime
    opened_at: datetime
    closed_at: datetime | None = Field(description="It closes by itself when no tenant is left in it")
    next_action: str


class ClassMember(BaseModel):
    """A tenant of a class."""

    id: str
    slug: str
    state: State
    substate: Substate | None
    stalled: bool = Field(description="It is over a time limit")
    joined_at: datetime
    left_at: datetime | None = Field(description="Null while it belongs to the group")


class Classes(BaseModel):
    """The present groups, oldest first."""

    classes: list[ClassShape]
    cut: bool = Field(description="There are more than these 100")
    others: int = Field(description="The number of further groups")


class ClassInFull(ClassShape):
    """A class with all who belong to it, or did: first those that are not Active."""

    tenants: list[ClassMember]
    cut: bool = Field(description="There are more than these 1,000")
