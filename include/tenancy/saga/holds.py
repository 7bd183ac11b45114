"""The rules of holds: the attempt's run does not proceed, for a reason outside the tenant. A hold changes no state.

Called by decide.py and attempt.py. A hold for a platform fault lasts until an activity begins again. While the run is
also paused or queued, that reason is shown instead; afterwards the fault's reason is shown again.
"""

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.tenant import Saga


def record_hold(command: c.RecordHold, saga: Saga) -> tuple[f.Fact, ...]:
    """Record a hold or its end. No facts while the reason is unchanged."""
    if command.platform:
        return hold_for_platform(saga, command.message, command.cause)
    if not command.message and saga.hold.platform_fault:
        return hold_for_platform(saga, saga.hold.platform_fault.message, saga.hold.platform_fault.cause)
    hold = saga.hold.with_reason(command.message, command.cause)
    return () if hold == saga.hold else (f.RunHeld(hold.reason, str(hold.cause or "")),)


def hold_for_platform(saga: Saga, message: str, cause: Cause) -> tuple[f.Fact, ...]:
    """Hold the attempt because of a platform fault. No facts while it is held for the same one."""
    held = saga.hold.shows_platform_fault(Evidence(cause, message))
    return () if held else (f.RunHeld(message, str(cause), platform=True),)
