"""Which errors Airflow retries: TransientError with backoff, PermanentError and Refused never."""

from datetime import timedelta
from typing import Final

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

RETRIES: Final = 3
RETRY_DELAY: Final = timedelta(seconds=1)
MAX_RETRY_DELAY: Final = timedelta(seconds=30)


def retry_policy() -> ExceptionRetryPolicy:
    """Errors by dotted name; whatever else a task raises is retried with Airflow's own backoff."""
    return ExceptionRetryPolicy(
        rules=[
            RetryRule("tenancy.saga.errors.Refused", RetryAction.FAIL, reason="a refusal stands"),
            RetryRule("tenancy.saga.errors.PermanentError", RetryAction.FAIL, reason="something has to change first"),
        ]
    )
