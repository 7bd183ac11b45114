"""The law of unwinding: accepted only for the current attempt, in a state that is to be unwound.

Called through decide.py only. What *settled* means is decided here: no live resource is left.
"""

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import Refused
from tenancy.saga.states import ResourceState, State
from tenancy.saga.tenant import Resource, Saga

_TO_BE_UNWOUND = frozenset({"Cancelling", "Failed unwinding", "Decommissioning"})


def is_to_be_unwound(saga: Saga) -> bool:
    """Is undoing this tenant what is wanted now?"""
    return saga.phase in _TO_BE_UNWOUND


def start(command: c.StartUnwinding, saga: Saga) -> tuple[f.Fact, ...]:
    """Go on with what Cancel, Decommission or a failure began; those facts already fence every activity."""
    _require_wanted(saga, command.attempt)
    return ()


def release(command: c.ReleaseResource, saga: Saga) -> tuple[f.Fact, ...]:
    _require_wanted(saga, command.attempt)
    resource = _find(saga, command.kind, command.name)
    if resource.state in {ResourceState.RELEASING, ResourceState.RELEASED}:
        return ()
    return (f.ResourceReleasing(command.kind, command.name),)


def confirm_released(command: c.ConfirmReleased, saga: Saga) -> tuple[f.Fact, ...]:
    _require_wanted(saga, command.attempt)
    resource = _find(saga, command.kind, command.name)
    return (f.ResourceReleased(command.kind, command.name),) if resource.live else ()


def found_again(command: c.ReportFoundAgain, saga: Saga) -> tuple[f.Fact, ...]:
    _require_wanted(saga, command.attempt)
    resource = _find(saga, command.kind, command.name)
    return () if resource.live else (f.ResourceFoundAgain(command.kind, command.name),)


def compensation_failed(command: c.ReportCompensationFailure, saga: Saga) -> tuple[f.Fact, ...]:
    _require_wanted(saga, command.attempt)
    _find(saga, command.kind, command.name)
    return (f.CompensationFailed(command.kind, command.name, command.error, command.message),)


def settle(command: c.Settle, saga: Saga) -> tuple[f.Fact, ...]:
    _require_wanted(saga, command.attempt)
    if saga.live_resources:
        left = ", ".join(f"{r.kind} {r.name}" for r in saga.live_resources)
        raise Refused(f"Not settled: {left} may still exist.")
    if saga.state is State.DECOMMISSIONING:
        return (f.TenantDecommissioned(),)
    return (f.Settled(),)


def exhaust(command: c.ExhaustUnwinding, saga: Saga) -> tuple[f.Fact, ...]:
    _require_wanted(saga, command.attempt)
    left = tuple(f"{r.kind} {r.name}" for r in saga.live_resources)
    if not left:
        raise Refused("Nothing is left, so unwinding is not exhausted: settle it.")
    return (f.UnwindingExhausted(left),)


def _require_wanted(saga: Saga, attempt: int) -> None:
    if attempt != saga.attempt:
        raise Refused(f"Attempt {attempt} is over: the tenant is in attempt {saga.attempt}.")
    if not is_to_be_unwound(saga):
        raise Refused(f"Nothing is to be unwound: the tenant is {saga.phase}.")


def _find(saga: Saga, kind: str, name: str) -> Resource:
    for resource in saga.resources:
        if (resource.kind, resource.name) == (kind, name):
            return resource
    raise Refused(f"No fact names a {kind} {name}.")
