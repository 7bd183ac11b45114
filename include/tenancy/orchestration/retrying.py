"""Which errors Airflow retries: TransientError with backoff, PermanentError and Refused never; and when.

One refusal is: OutOfTurn, which says itself that its time will come.

Undoing is tried again whatever the error was: its operator has a policy for the time only.
"""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryDecision, RetryRule

from tenancy.saga.errors import TransientError

if TYPE_CHECKING:
    from airflow.sdk import Context

RETRIES: Final = 3
RETRY_DELAY: Final = timedelta(seconds=1)
MAX_RETRY_DELAY: Final = timedelta(seconds=30)
TURN_DELAY: Final = timedelta(seconds=5)
"""What an activity that is done already needs to verify and say so, its task's start included."""
UNWINDING_RETRIES: Final = 5
UNWINDING_RETRY_DELAY: Final = timedelta(seconds=2)
UNWINDING_MAX_RETRY_DELAY: Final = timedelta(seconds=60)


class SagaRetryPolicy(ExceptionRetryPolicy):
    """By the rules; and a system that said how long it wants to be left alone is, within `longest`."""

    def __init__(self, rules: list[RetryRule], *, first: timedelta, longest: timedelta) -> None:
        super().__init__(rules)
        self._first = first
        self._longest = longest

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: "Context | None" = None
    ) -> RetryDecision:
        wait = exception.retry_after if isinstance(exception, TransientError) else None
        if wait is None:
            return super().evaluate(exception, try_number, max_tries, context)
        backoff = self._first * 2 ** (try_number - 1)
        delay = min(max(timedelta(seconds=wait), backoff), self._longest)
        return RetryDecision.retry(delay, reason=f"it asked to wait {wait} s")


def retry_policy() -> ExceptionRetryPolicy:
    """Errors by dotted name; whatever else a task raises is retried with Airflow's own backoff."""
    return SagaRetryPolicy(
        rules=[
            RetryRule("tenancy.saga.errors.OutOfTurn", RetryAction.RETRY, TURN_DELAY, reason="its turn will come"),
            RetryRule("tenancy.saga.errors.Refused", RetryAction.FAIL, reason="a refusal stands"),
            RetryRule("tenancy.saga.errors.PermanentError", RetryAction.FAIL, reason="something has to change first"),
        ],
        first=RETRY_DELAY,
        longest=MAX_RETRY_DELAY,
    )


def unwinding_retry_policy() -> ExceptionRetryPolicy:
    """Every error is retried."""
    return SagaRetryPolicy([], first=UNWINDING_RETRY_DELAY, longest=UNWINDING_MAX_RETRY_DELAY)
