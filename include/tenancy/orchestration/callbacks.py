"""Failure callbacks: the fastest way from a failed activity to a tenant that is unwound.

The task's callback runs in the worker after the last try. The DAG's callback runs in the dag-processor, also when the
process died. Airflow calls each at most once, and both may run: the domain accepts the first.
"""

import logging
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowTaskTimeout
from airflow.sdk.execution_time.timeout import timeout

from tenancy.saga.errors import PermanentError, PlatformError, Refused
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId

if TYPE_CHECKING:
    from airflow.sdk import Context

    from tenancy.saga.commands import GiveUp

log = logging.getLogger(__name__)

_HARD_LIMIT_SECONDS = 50
"""Airflow kills the callback after 60 s in a worker and 50 s in the dag-processor. This ends an unwinding that hangs in
one call before that; the reconciler continues it."""
_ENDED = "Airflow ended the run before this activity was done"
_DIED = "the task's process ended without a reason; see the end of its log in Airflow"


def activity_failed(context: "Context") -> None:
    """A task failed for good. A refusal unwinds nothing."""
    from tenancy.saga.commands import GiveUp

    error = context.get("exception")
    if isinstance(error, Refused):
        return
    ti = context["ti"]
    holder = TaskInstanceId(str(ti.id))
    fault = error.cause if isinstance(error, PlatformError) else None
    command = GiveUp(RunId(ti.run_id), _message(error), ActivityName(ti.task_id), holder, fault, ti.dag_id)
    _give_up(command, lease=holder)


def run_failed(context: "Context") -> None:
    """A run failed for good, however Airflow noticed."""
    from tenancy.saga.commands import GiveUp

    # Any task instance of the run, if there is one: it distinguishes an attempt that is over from the current one.
    ti = context.get("ti")
    holder = TaskInstanceId(str(ti.id)) if ti is not None else None
    command = GiveUp(RunId(str(context["run_id"])), _ENDED, holder=holder, dag_id=context["dag"].dag_id)
    _give_up(command, lease="")


def _message(error: object) -> str:
    """Airflow passes an exception, a text, or nothing when the process died."""
    from tenancy.engine.tenancy import message_of

    return message_of(error if isinstance(error, BaseException) else PermanentError(str(error or _DIED)))


def _give_up(command: "GiveUp", *, lease: str) -> None:
    from tenancy.bootstrap import tenancy
    from tenancy.engine.recovery.failure import give_up
    from tenancy.ledger.envelope import Stamp

    try:
        with timeout(_HARD_LIMIT_SECONDS):
            give_up(tenancy(), command, stamp=Stamp("saga", reason=command.message[:500], lease=lease))
    except AirflowTaskTimeout:
        log.warning("undoing takes longer than a callback may: the reconciler continues with it")
