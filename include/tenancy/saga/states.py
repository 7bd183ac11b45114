"""The states of a saga, an activity and a resource. The ledger has PostgreSQL enums with the same values."""

from enum import StrEnum


class State(StrEnum):
    """Where a tenant is. Every state has a way out (tests/unit/test_state_graph.py proves it)."""

    PROVISIONING = "Provisioning"
    """An attempt runs; its activities, a failure or Cancel move it on."""
    CANCELLING = "Cancelling"
    """Cancel was requested; compensations run and end in Failed."""
    FAILED = "Failed"
    """See Substate for which kind of failed."""
    ACTIVE = "Active"
    """Done; only Decommission moves it on."""
    DECOMMISSIONING = "Decommissioning"
    """Everything the tenant has is being released."""
    DECOMMISSIONED = "Decommissioned"
    """Nothing left, slug free; a new tenant may take it (Recreate)."""


class Substate(StrEnum):
    """Which kind of Failed."""

    UNWINDING = "unwinding"
    """Compensations run; they end in settled or stuck."""
    SETTLED = "settled"
    """Nothing left; Reset or Decommission move it on."""
    READY = "ready"
    """Reset done; Retry or Decommission move it on."""
    RETAINED = "retained"
    """It failed after its point of no return, resources kept; Reset, Cancel or Decommission move it on."""
    STUCK = "stuck"
    """Compensations ran out of retries; Cancel or Decommission try again."""


class Phase(StrEnum):
    """State and, of a failed tenant, sub-state in one: where a tenant can be. Its text is what people read."""

    PROVISIONING = "Provisioning"
    CANCELLING = "Cancelling"
    FAILED_UNWINDING = "Failed unwinding"
    FAILED_SETTLED = "Failed settled"
    FAILED_READY = "Failed ready"
    FAILED_RETAINED = "Failed retained"
    FAILED_STUCK = "Failed stuck"
    ACTIVE = "Active"
    DECOMMISSIONING = "Decommissioning"
    DECOMMISSIONED = "Decommissioned"

    @classmethod
    def of(cls, state: State, substate: Substate | None) -> "Phase":
        """The phase of this state; ValueError when the state has no such sub-state."""
        return cls(f"{state} {substate}" if substate else str(state))


class ActivityKind(StrEnum):
    """What a failure of an activity means for the saga."""

    CHECK = "check"
    """Makes nothing; its failure unwinds."""
    COMPENSATABLE = "compensatable"
    """Makes resources; its failure unwinds."""
    PIVOT = "pivot"
    """Once it is done, the point of no return is passed: failures of this and later attempts keep everything."""
    RETRIABLE = "retriable"
    """After the pivot: its failure keeps all resources."""


class StepStatus(StrEnum):
    """How far one activity is in the current attempt."""

    IDLE = "idle"
    RUNNING = "running"
    FAILED = "failed"
    """A try failed; Airflow may try again."""
    DONE = "done"


class ResourceState(StrEnum):
    """How far one outside object is. Only `released` counts as gone."""

    INTENDED = "intended"
    """Committed before the effect: it may or may not exist."""
    PRESENT = "present"
    RELEASING = "releasing"
    RELEASED = "released"
    """Gone; the next attempt may intend it again under the same name."""
