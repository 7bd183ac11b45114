"""The law of holds: the attempt's run does not go on, for a reason that is not the tenant's. Changes no state.

Called by decide.py and attempt.py. A platform's fault is a hold that lasts until an activity begins again: what is said
of the run meanwhile (paused, in a queue) takes the sentence's place and gives it back.
"""

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.tenant import Saga


def note(command: c.RecordHold, saga: Saga) -> tuple[f.Fact, ...]:
    """No facts while the same holds it."""
    if command.platform:
        return for_platform(saga, command.message, command.cause)
    if not command.message and saga.platform_fault:
        return for_platform(saga, saga.platform_fault.message, saga.platform_fault.cause)
    cause = command.cause if command.message else None
    if (command.message, cause) == (saga.hold_reason, saga.hold_cause):
        return ()
    return (f.RunHeld(command.message, str(cause or "")),)


def for_platform(saga: Saga, message: str, cause: Cause) -> tuple[f.Fact, ...]:
    """The platform is at fault. No facts while that is what the tenant is held for."""
    held = (saga.platform_fault, saga.hold_reason, saga.hold_cause) == (Evidence(cause, message), message, cause)
    return () if held else (f.RunHeld(message, str(cause), platform=True),)
