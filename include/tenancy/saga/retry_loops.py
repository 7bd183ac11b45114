"""Retry loops: warnings when another retry will not help. The number of attempts never refuses a retry.

The runbook (docs/operating/runbook.md, step 5): do not retry more than 2 or 3 times, since each attempt allocates
everything again; then decommission and recreate. Tenancy warns and never blocks. An attempt that stalled and was
cancelled counts too: it did not end Active either.
"""

from typing import Final

from tenancy.saga.error_texts import without_numbers
from tenancy.saga.states import State
from tenancy.saga.tenant import Failure, Saga

ATTEMPTS_BEFORE_RECREATE: Final = 3
"""Attempts that did not end Active after which the runbook advises to decommission and recreate."""


def unsuccessful_attempts(saga: Saga) -> int:
    """How many attempts did not end Active: they failed, were cancelled, or were reset by force.

    A tenant that was Active is never retried, so all attempts before the newest one count.
    """
    newest_is_over = saga.state in {State.CANCELLING, State.FAILED}
    return saga.attempt if newest_is_over else max(saga.attempt - 1, 0)


def retry_warnings(saga: Saga) -> tuple[str, ...]:
    """The sentences that an operator should read before another retry."""
    found = []
    if same_error_again(saga):
        found.append(
            f"Not transient: {saga.failures[-1].activity} failed twice with the same error. Check the platform's "
            "health, the tenant's plan and region, and quotas before another retry."
        )
    if unsuccessful_attempts(saga) >= ATTEMPTS_BEFORE_RECREATE:
        found.append(_looped(saga))
    return tuple(found)


def _looped(saga: Saga) -> str:
    spent = unsuccessful_attempts(saga)
    failed = len({failure.attempt for failure in saga.failures})
    return (
        f"{spent} attempts did not end Active: {failed} failed, {spent - failed} were cancelled or reset. They made "
        f"and released {saga.unwinding.released_count} resources so far. {_KEPT if saga.past_no_return else _CLEANER}"
    )


_CLEANER: Final = "Decommission and recreate is cleaner than another retry."
_KEPT: Final = "Find the cause before another retry: a decommission would destroy a customer's data."


def same_error_again(saga: Saga) -> bool:
    """Did the last two attempts fail at the same activity with the same error, numbers and ids apart?"""
    return len(saga.failures) > 1 and is_same_error(saga.failures[-1], saga.failures[-2])


def is_same_error(one: Failure, other: Failure) -> bool:
    """Did both fail at the same activity with the same error, numbers and ids apart?"""
    return _sameness(one) == _sameness(other)


def retry_needs_slug(saga: Saga) -> bool:
    """Must the operator type the slug? Yes before a retry that starts the fourth attempt, or a later one."""
    return unsuccessful_attempts(saga) >= ATTEMPTS_BEFORE_RECREATE


def recovery_needs_slug(saga: Saga) -> bool:
    """The same for a recovery, which first ends the attempt in progress and then retries."""
    return saga.attempt >= ATTEMPTS_BEFORE_RECREATE


def _sameness(failure: Failure) -> tuple[str, str]:
    return failure.activity, without_numbers(failure.message)
