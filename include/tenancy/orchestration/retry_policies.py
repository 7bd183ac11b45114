"""Which errors Airflow retries, and when: all except PermanentError and Refused.

The engine decides for how long (engine/provisioning/retry_window.py): it knows the limit of the activity, and which
tries failed because of the platform and do not count. When the time is up, it raises PermanentError. Errors before the
engine runs are retried: the ledger does not respond, the platform file is wrong, a library is missing. None of that is
the tenant's fault.

One refusal is retried: OutOfTurn, whose turn comes by itself.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from airflow.sdk import RetryDecision, RetryPolicy

from tenancy.saga.errors import OutOfTurn, PermanentError, PlatformError, Refused, TransientError

if TYPE_CHECKING:
    from airflow.sdk import Context

RETRIES: Final = 10_000
"""Airflow needs a number. At MAX_PLATFORM_DELAY these last for two weeks. A run that used them up because of the
platform is held, and the reconciler continues it (engine/reconciliation/overdue.py: TRY_AGAIN)."""
RETRY_DELAY: Final = timedelta(seconds=1)
MAX_RETRY_DELAY: Final = timedelta(seconds=30)
MAX_PLATFORM_DELAY: Final = timedelta(minutes=2)
"""A platform fault lasts until somebody corrects it, and each try costs a process and two facts."""
TURN_DELAY: Final = timedelta(seconds=5)
"""How long a finished activity takes to verify that it is done, with the start of its task."""
UNWINDING_RETRIES: Final = 5
UNWINDING_RETRY_DELAY: Final = timedelta(seconds=2)
UNWINDING_MAX_RETRY_DELAY: Final = timedelta(seconds=60)
_DOUBLINGS: Final = 16


def retry_policy() -> RetryPolicy:
    """For activities: by the class of the error."""
    return _ActivityPolicy()


def unwinding_retry_policy() -> RetryPolicy:
    """For compensations: every error is retried, as often as the task has retries."""
    return _UnwindingPolicy()


class _ActivityPolicy(RetryPolicy):
    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,  # noqa: ARG002 - Airflow passes it by name
        context: "Context | None" = None,  # noqa: ARG002
    ) -> RetryDecision:
        match exception:
            case OutOfTurn():
                return RetryDecision.retry(TURN_DELAY, reason="an earlier activity is not done yet")
            case Refused():
                return RetryDecision.fail(reason="a refusal is final")
            case PermanentError():
                return RetryDecision.fail(reason="something has to change first")
            case PlatformError():
                delay = _backoff(try_number, RETRY_DELAY, MAX_PLATFORM_DELAY)
                return RetryDecision.retry(delay, reason="the platform is at fault: the tenant is held")
            case _:
                return _retry_later(exception, try_number, RETRY_DELAY, MAX_RETRY_DELAY)


class _UnwindingPolicy(RetryPolicy):
    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,  # noqa: ARG002
        context: "Context | None" = None,  # noqa: ARG002
    ) -> RetryDecision:
        if _retry_after(exception) is None:
            return RetryDecision.default()
        return _retry_later(exception, try_number, UNWINDING_RETRY_DELAY, UNWINDING_MAX_RETRY_DELAY)


def _retry_later(exception: BaseException, try_number: int, first: timedelta, longest: timedelta) -> RetryDecision:
    """Honours the Retry-After of a system, up to `longest`."""
    backoff, wait = _backoff(try_number, first, longest), _retry_after(exception)
    if wait is None:
        return RetryDecision.retry(backoff)
    return RetryDecision.retry(min(max(timedelta(seconds=wait), backoff), longest), reason=f"it asked to wait {wait} s")


def _retry_after(exception: BaseException) -> int | None:
    return exception.retry_after if isinstance(exception, TransientError) else None


def _backoff(try_number: int, first: timedelta, longest: timedelta) -> timedelta:
    doublings = min(max(try_number - 1, 0), _DOUBLINGS)
    return min(first * (1 << doublings), longest)
