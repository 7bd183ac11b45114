"""What is known of one tenant: the fold of its facts. Frozen; `evolve` makes the next one."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from tenancy.saga.attempt_values import EXACT, Attempt, Runs, Step
from tenancy.saga.causes import Cause
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId, TenantId
from tenancy.saga.outputs import Outputs
from tenancy.saga.product_parameters import PREFIX, Value
from tenancy.saga.saga_values import NO_HOLD, Escalation, Hold, Invitation, Unwinding
from tenancy.saga.states import Phase, ResourceState, State, Substate


@dataclass(frozen=True)
class Parameters:
    """What was requested for the tenant."""

    __pydantic_config__: ClassVar = EXACT

    slug: str
    name: str
    plan: str
    region: str
    admin_email: str
    values: Mapping[str, Value] = field(default_factory=dict)
    """The product's own parameters, defaults included; empty in facts that are older than these."""

    @property
    def conf(self) -> dict[str, Any]:
        """The request as a run's conf has it: fields and the product's parameters side by side."""
        fields = {name: value for name, value in vars(self).items() if name != "values"}
        return {**fields, **self.values}

    def first_difference(self, other: "Parameters") -> str | None:
        """The first field in which it is another request; None when it is the same.

        Names are compared in Unicode's NFC: facts of older versions were not normalised. A parameter that only one of
        them has is no difference: the product got or lost it between two attempts.
        """
        mine, others = self._composed(), other._composed()
        changed = [key for key in mine if key in others and mine[key] != others[key]]
        return None if not changed else f"{PREFIX}{changed[0]}" if changed[0] in self.values else changed[0]

    def _composed(self) -> dict[str, Any]:
        return {**self.conf, "name": unicodedata.normalize("NFC", self.name)}


@dataclass(frozen=True)
class Credential:
    """Which key and generation a resource's credentials are derived from; never the credential itself."""

    __pydantic_config__: ClassVar = EXACT

    kid: str
    generation: int


@dataclass(frozen=True)
class Intent:
    """A resource that an activity is about to create, and where."""

    kind: str
    name: str
    proof: str
    credential: Credential | None = None
    system: str = ""
    """The identity of the system it is made in, as that system states it (docs/glossary.md: system identity)."""
    region: str = ""
    """The region whose system that is; empty where all regions share one."""
    connection: str = ""
    """The id of the Airflow connection that leads to the system."""


@dataclass(frozen=True)
class Resource:
    """An outside object of the tenant, kept over attempts, and its state."""

    kind: str
    name: str
    proof: str
    activity: ActivityName
    state: ResourceState
    credential: Credential | None = None
    system: str = ""
    """The identity of the system it was made in; empty in facts that did not record it."""
    region: str = ""
    connection: str = ""
    was_present: bool = False
    """Was it ever recorded as present? It may be gone by now."""

    @property
    def live(self) -> bool:
        """Might it exist?"""
        return self.state is not ResourceState.RELEASED


@dataclass(frozen=True)
class Lease:
    """Who may record an activity's outcome: one task instance of one run. A clear or a retry makes a newer one."""

    run_id: RunId
    activity: ActivityName
    holder: TaskInstanceId


@dataclass(frozen=True)
class Failure:
    """Where and how an attempt ended."""

    attempt: int
    activity: ActivityName
    message: str
    cause: Cause = Cause.UNKNOWN


@dataclass(frozen=True)
class OpenStall:
    """The stall that is recorded and not yet cleared. `kind` is a StallKind."""

    kind: str
    activity: ActivityName | None
    cause: Cause
    message: str
    observed_at: datetime | None = None
    """When this cause was found; None when that is not known."""


@dataclass(frozen=True)
class Saga:
    """One tenant's saga after some number of facts (`seq`)."""

    tenant_id: TenantId
    parameters: Parameters
    state: State
    substate: Substate | None = None
    seq: int = 0
    current_attempt: Attempt = field(default_factory=Attempt)
    unwinding: Unwinding = field(default_factory=Unwinding)
    resources: tuple[Resource, ...] = ()
    runs: Runs = field(default_factory=Runs)
    failures: tuple[Failure, ...] = ()
    predecessor: TenantId | None = None
    hold: Hold = NO_HOLD
    stall: OpenStall | None = None
    escalation: Escalation | None = None
    observed_gone: bool = False
    """Was everything observed gone, and nothing intended since? A forced reset observes nothing."""
    past_no_return: bool = False
    """May a customer use the tenant? Then failures keep everything, until a person's Cancel has settled."""
    replacements: frozenset[tuple[str, str, str, str]] = frozenset()
    """Kind, name, recorded system and successor of each resource for which the platform file's [replaced_systems] was
    used."""
    invitation: Invitation = field(default_factory=Invitation)

    @property
    def attempt(self) -> int:
        """The number of its newest attempt; 0 before the first one."""
        return self.current_attempt.number

    @property
    def run_id(self) -> RunId:
        """The run of its newest attempt."""
        return self.current_attempt.run_id

    @property
    def dag_id(self) -> str:
        """The DAG of that run."""
        return self.current_attempt.dag_id

    @property
    def product(self) -> str:
        """The name of its product, which it keeps for ever; empty if none was recorded yet."""
        return self.current_attempt.product

    @property
    def generation(self) -> int:
        """The number of its newest unwinding."""
        return self.unwinding.generation

    @property
    def current_activity(self) -> ActivityName | None:
        """The first activity that is not done: the one that stalls, if the tenant does."""
        return self.current_attempt.current_activity

    def step(self, activity: ActivityName) -> Step:
        """The activity's progress in the current attempt; idle when it has not begun."""
        return self.current_attempt.step(activity)

    @property
    def live_resources(self) -> tuple[Resource, ...]:
        """All resources that may exist, in the order in which they were intended."""
        return tuple(resource for resource in self.resources if resource.live)

    @property
    def outputs(self) -> Mapping[ActivityName, Outputs]:
        """What its activities returned, as long as anything of it may exist."""
        return self.current_attempt.outputs if self.live_resources else {}

    @property
    def kept_values(self) -> Mapping[str, Value]:
        """The values of the product's parameters that no retry may change, because resources were made with them."""
        return self.parameters.values if self.live_resources else {}

    @property
    def has_nothing_left(self) -> bool:
        """Is it certain that nothing of it is left?"""
        return self.observed_gone and not self.live_resources

    @property
    def phase(self) -> Phase:
        """State and sub-state in one."""
        return Phase.of(self.state, self.substate)

    def with_resource(self, resource: Resource) -> Self:
        """The same saga with this resource added last, or put in the place of its former self."""
        others = tuple(r for r in self.resources if (r.kind, r.name) != (resource.kind, resource.name))
        same = len(others) < len(self.resources) and resource.state is not ResourceState.INTENDED
        if not same:
            return replace(self, resources=(*others, resource))
        swapped = (resource if (r.kind, r.name) == (resource.kind, resource.name) else r for r in self.resources)
        return replace(self, resources=tuple(swapped))
