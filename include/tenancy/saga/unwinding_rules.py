"""The rules of unwinding: commands are accepted only from the newest generation, while the tenant is to be unwound.

Each failure, Cancel, Decommission and renewal starts a generation. Generations are numbered over the tenant's whole
life, so a late command of an older one changes nothing, whichever attempt it belongs to.

Called by decide.py only. A tenant is settled when it has no live resource left.
"""

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import Refused
from tenancy.saga.states import Phase, ResourceState, State
from tenancy.saga.tenant import Resource, Saga

RENEWALS = 3
"""How many more compensation runs a tenant gets after one that ends without an outcome and releases nothing. A run
tries six times: about two minutes if each try fails at once, 14 if each hangs until its time-out of 2 minutes."""
_NO_PROGRESS = (
    "{runs} compensation runs ended before they were done, and none of them released anything: their logs in Airflow "
    "say how they ended."
)
_TO_BE_UNWOUND = frozenset({Phase.CANCELLING, Phase.FAILED_UNWINDING, Phase.DECOMMISSIONING})


def is_to_be_unwound(saga: Saga) -> bool:
    """Are this tenant's resources to be released now?"""
    return saga.phase in _TO_BE_UNWOUND


def check(command: c.CheckUnwinding, saga: Saga) -> tuple[f.Fact, ...]:
    """May this generation unwind? No facts: the Cancel, the Decommission or the failure has fenced all activities."""
    _require_current_unwinding(saga, command.generation)
    return ()


def renew(command: c.RenewUnwinding, saga: Saga) -> tuple[f.Fact, ...]:
    """Start the next generation. Refused if another process has already done so.

    A tenant whose unwindings keep ending without releasing anything becomes stuck. Platform faults do not count.
    """
    _require_current_unwinding(saga, command.generation)
    if saga.hold.platform_fault:
        return (f.UnwindingStarted(saga.unwinding.next_generation),)
    if saga.unwinding.renewals >= RENEWALS:
        return _exhausted(saga, _NO_PROGRESS.format(runs=saga.unwinding.renewals + 1))
    return (f.UnwindingStarted(saga.unwinding.next_generation, renewal=True),)


def release(command: c.ReleaseResource, saga: Saga) -> tuple[f.Fact, ...]:
    _require_current_unwinding(saga, command.generation)
    resource = _find(saga, command.kind, command.name)
    if resource.state in {ResourceState.RELEASING, ResourceState.RELEASED}:
        return ()
    return (f.ResourceReleasing(command.kind, command.name),)


def confirm_released(command: c.ConfirmReleased, saga: Saga) -> tuple[f.Fact, ...]:
    _require_current_unwinding(saga, command.generation)
    resource = _find(saga, command.kind, command.name)
    return (f.ResourceReleased(command.kind, command.name),) if resource.live else ()


def found_again(command: c.ReportFoundAgain, saga: Saga) -> tuple[f.Fact, ...]:
    _require_current_unwinding(saga, command.generation)
    resource = _find(saga, command.kind, command.name)
    return () if resource.live else (f.ResourceFoundAgain(command.kind, command.name),)


def compensation_failed(command: c.ReportCompensationFailure, saga: Saga) -> tuple[f.Fact, ...]:
    _require_current_unwinding(saga, command.generation)
    _find(saga, command.kind, command.name)
    cause = str(command.cause)
    failed = f.CompensationFailed(command.kind, command.name, command.error, command.message, cause, command.platform)
    return (failed,)


def settle(command: c.Settle, saga: Saga) -> tuple[f.Fact, ...]:
    _require_current_unwinding(saga, command.generation)
    if saga.live_resources:
        left = ", ".join(f"{r.kind} {r.name}" for r in saga.live_resources)
        raise Refused(f"Not settled: {left} may still exist.")
    if saga.state is State.DECOMMISSIONING:
        return (f.TenantDecommissioned(),)
    return (f.Settled(),)


def exhaust(command: c.ExhaustUnwinding, saga: Saga) -> tuple[f.Fact, ...]:
    """Give up compensating. Accepted also if no resource is left: what cannot be observed must not count as settled.

    No facts if the platform is at fault: unwinding continues until that is repaired.
    """
    _require_current_unwinding(saga, command.generation)
    if command.keep_resources:
        return (*_exhausted(saga, command.reason), *_protected(saga, command.reason))
    return () if saga.hold.platform_fault else _exhausted(saga, command.reason)


def _protected(saga: Saga, why: str) -> tuple[f.Fact, ...]:
    """Protect the tenant: from now on only a person who confirms the slug can continue."""
    return () if saga.past_no_return else (f.PointOfNoReturnPassed(why),)


def _exhausted(saga: Saga, why: str) -> tuple[f.Fact, ...]:
    left = tuple(f"{r.kind} {r.name}" for r in saga.live_resources)
    return (f.UnwindingExhausted(left, why),)


def _require_current_unwinding(saga: Saga, generation: int) -> None:
    if not is_to_be_unwound(saga):
        raise Refused(f"Nothing is to be unwound: the tenant is {saga.phase}.")
    if generation != saga.generation:
        raise Refused(f"Unwinding {generation} is over: unwinding {saga.generation} has taken its place.")


def _find(saga: Saga, kind: str, name: str) -> Resource:
    for resource in saga.resources:
        if (resource.kind, resource.name) == (kind, name):
            return resource
    raise Refused(f"No fact names a {kind} {name}.")
