"""Runs one activity for one Airflow task instance: lease, lock, intents, effect, outcome, in that order.

Called by orchestration/activity_operator.py. Every error is recorded before it is raised. What a failure means for the
tenant is decided by failure.py, once Airflow has no retries left.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tenancy.activities.activity import NotReadyYet, WaitingActivity, WatchedNamespace, located_intents
from tenancy.activities.context import ActivityContext
from tenancy.activities.plan import FIRST, give_up_limit
from tenancy.activities.registry import activity_of
from tenancy.engine.provisioning.admission import Origin, admit
from tenancy.engine.provisioning.plan_versions import require_known_activities, skips_activity
from tenancy.engine.provisioning.retry_window import (
    NOT_RETRIED,
    TRIES,
    TURN_TRIES,
    RetryWindow,
    died_too_often,
    final_error,
    refusals_in_a_row,
    window_of,
)
from tenancy.engine.provisioning.waiting import deadline, is_soon_over
from tenancy.engine.tenancy import Tenancy, message_of, observe_all, record_eviction
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga import leases
from tenancy.saga.causes import Cause
from tenancy.saga.commands import BeginActivity, CompleteActivity, FailActivity, RecordHold, ReportProgress
from tenancy.saga.errors import OutOfTurn, PermanentError, PlatformError, Refused, Stopped, cause_in
from tenancy.saga.facts import ActivityRefused
from tenancy.saga.names import TenantId
from tenancy.saga.outputs import Outputs, checked_outputs
from tenancy.saga.product import PROVISIONING_DAG
from tenancy.saga.products import Products, product_name
from tenancy.saga.states import State
from tenancy.saga.tenant import Intent, Lease, Saga


@dataclass(frozen=True)
class Task:
    """One try of one Airflow task. `actor` is who triggered its run."""

    lease: Lease
    try_number: int
    conf: Mapping[str, Any]
    actor: str
    product: str = ""
    """The product of the task's DAG; empty for the default one."""
    dag_id: str = PROVISIONING_DAG
    clear_number: int = 0
    """How often the run has been cleared in Airflow."""

    @property
    def stamp(self) -> Stamp:
        return Stamp(self.actor, lease=self.lease.holder)

    def origin(self, products: Products) -> Origin:
        """Of an attempt that this task begins."""
        return Origin(self.lease.run_id, product_name(products, self.product), self.dag_id, self.clear_number)

    @property
    def application(self) -> str:
        return f"tenancy run {self.lease.holder}"


@dataclass(frozen=True)
class Waiting:
    """The activity has begun and has to wait. `watched`: the namespace to watch until the deadline."""

    saga: Saga
    watched: WatchedNamespace
    deadline: datetime


def run_activity(tenancy: Tenancy, task: Task) -> Saga | Waiting:
    """Run the task's activity. Returns the saga afterwards. Idempotent: a task that has completed only verifies.

    Returns Waiting for a WaitingActivity that is not ready yet: call this again after a change in the namespace. If it
    is not ready at its deadline, it has failed.

    Raises Refused (nothing was done), TransientError (retry), PlatformError (the attempt is held; retry without limit)
    or PermanentError (recorded; give up).
    """
    with tenancy.ledger.open(task.application) as ledger:
        tenant_id = _tenant(tenancy, ledger, task)
        found = _saga(ledger, tenant_id)
        leases.require_same_dag(found, task.lease.run_id, task.dag_id)
        if skips_activity(found, task.lease):
            return found
        with _held_for_platform(ledger, tenant_id, task):
            saga = _begin(tenancy, ledger, found, task)
        if saga.state is State.ACTIVE:
            _verify(_context(tenancy, ledger, saga, task))
            return saga
        outcome = _perform(tenancy, ledger, saga, task)
        if isinstance(outcome, Waiting) and is_soon_over(tenancy, ledger, task.lease, actor=task.actor):
            return _perform(tenancy, ledger, outcome.saga, task)
        return outcome


def _tenant(tenancy: Tenancy, ledger: LedgerSession, task: Task) -> TenantId:
    if task.lease.activity == FIRST:
        return admit(tenancy, ledger, task.origin(tenancy.products), task.conf, task.stamp)
    tenant_id = ledger.tenant_of_run(task.lease.run_id)
    if tenant_id is None:
        raise Refused(f"This run provisions no tenant: its {FIRST} is not done, whatever state Airflow shows.")
    return tenant_id


def _saga(ledger: LedgerSession, tenant_id: TenantId) -> Saga:
    saga = ledger.saga(tenant_id)
    assert saga is not None  # a run's tenant has facts
    return saga


def _begin_command(task: Task, intents: tuple[Intent, ...] = ()) -> BeginActivity:
    return BeginActivity(task.lease, task.try_number, intents, task.clear_number)


def _begin(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, task: Task) -> Saga:
    tenant_id = saga.tenant_id
    if saga.state is State.PROVISIONING:
        require_known_activities(tenancy, saga, task.lease.activity)
    try:
        return ledger.record(tenant_id, _begin_command(task), stamp=task.stamp)
    except Refused as refusal:
        refused = ActivityRefused(task.lease.activity, task.lease.run_id, str(refusal))
        ledger.append_notice(tenant_id, refused, stamp=task.stamp)
        if isinstance(refusal, OutOfTurn) and refusals_in_a_row(ledger.envelopes(tenant_id), refused) >= TURN_TRIES:
            raise Refused(f"{refusal} It was asked {TURN_TRIES} times.") from refusal
        raise


@contextmanager
def _held_for_platform(ledger: LedgerSession, tenant_id: TenantId, task: Task) -> Iterator[None]:
    """Record a platform fault that occurs before the activity begins, so that the tenant's page shows it."""
    try:
        yield
    except PlatformError as error:
        with suppress(Refused):
            held = RecordHold(message_of(error), cause_in(error), platform=True)
            ledger.record(tenant_id, held, stamp=task.stamp)
        raise


def _perform(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, task: Task) -> Saga | Waiting:
    tenant_id = saga.tenant_id
    context = _context(tenancy, ledger, saga, task)
    patience = tenancy.timings.lock_patience
    with (
        _failure_recorded(tenancy, ledger, saga, task),
        _not_dying(ledger, saga, task),
        ledger.hold_lock(tenant_id, patience_seconds=patience, may_evict=context.lock.may_evict) as evicted,
    ):
        for holder in evicted:
            record_eviction(ledger, tenant_id, "the ledger", holder, task.stamp)
        context = _intended(tenancy, ledger, context, task)
        outcome = _act(tenancy, ledger, task, context)
        if isinstance(outcome, Waiting):
            return outcome
        return ledger.record(tenant_id, CompleteActivity(task.lease, outcome), stamp=task.stamp)


def _intended(tenancy: Tenancy, ledger: LedgerSession, context: ActivityContext, task: Task) -> ActivityContext:
    """Commit the intents, each with the system that the resource will be created in. Returns the new context."""
    intents = located_intents(activity_of(task.lease.activity), context)
    saga = ledger.record(context.tenant_id, _begin_command(task, intents), stamp=task.stamp)
    return _context(tenancy, ledger, saga, task) if intents else context


def _act(tenancy: Tenancy, ledger: LedgerSession, task: Task, context: ActivityContext) -> Waiting | Outputs:
    activity = activity_of(task.lease.activity)
    try:
        return checked_outputs(activity.name, activity.run(context), declared=activity.example_outputs)
    except NotReadyYet as not_yet:
        until = deadline(tenancy, ledger, context.saga, task.lease)
        if tenancy.now() >= until:
            minutes = give_up_limit(tenancy.platform, activity).total_seconds() / 60
            why = str(not_yet).rstrip(".")
            raise PermanentError(f"Not ready within {minutes:g} minutes: {why}.") from not_yet
        assert isinstance(activity, WaitingActivity)  # only a WaitingActivity raises NotReadyYet
        saga = ledger.record(
            context.tenant_id, ReportProgress(task.lease, str(not_yet), not_yet.cause), stamp=task.stamp
        )
        return Waiting(saga, activity.watched_namespace(context), until)


@contextmanager
def _failure_recorded(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, task: Task) -> Iterator[None]:
    try:
        yield
    except Refused:
        raise  # superseded: another process records the outcome
    except BaseException as error:  # BaseException: time-outs and SIGTERM belong into the error log, too
        final = _judged(tenancy, ledger, saga, task, error)
        # A try that gives up because of silence is as unanswered as the tries before it: late_effects.py waits for it.
        answered = isinstance(error, PermanentError)
        _record_failure(ledger, saga.tenant_id, task, final, cause_in(error), answered=answered)
        if final is error:
            raise
        raise final from error


def _judged(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, task: Task, error: BaseException) -> BaseException:
    """The error to record. Airflow retries every other error, so one that lasts too long becomes a PermanentError."""
    if isinstance(error, NOT_RETRIED):
        return error
    limit = give_up_limit(tenancy.platform, activity_of(task.lease.activity))
    return final_error(error, _window(ledger, saga, task), tenancy.now(), limit)


def _record_failure(
    ledger: LedgerSession, tenant_id: TenantId, task: Task, error: BaseException, cause: Cause, *, answered: bool
) -> None:
    failed = FailActivity(
        task.lease,
        type(error).__name__,
        message_of(error),
        cause,
        platform=isinstance(error, PlatformError),
        permanent=answered,
        stopped=isinstance(error, Stopped),
    )
    with suppress(Refused):
        ledger.record(tenant_id, failed, stamp=task.stamp)


@contextmanager
def _not_dying(ledger: LedgerSession, saga: Saga, task: Task) -> Iterator[None]:
    """Raise PermanentError if too many processes in a row have died before this one."""
    if task.try_number > TRIES and (error := died_too_often(_window(ledger, saga, task))):
        raise error
    yield


def _window(ledger: LedgerSession, saga: Saga, task: Task) -> RetryWindow:
    return window_of(ledger.envelopes(saga.tenant_id), saga.attempt, task.lease.activity)


def _verify(context: ActivityContext) -> None:
    """A task of an Active tenant was run again: observe everything, change nothing."""
    wrong = [observation.why for observation in observe_all(context) if not observation.healthy]
    if wrong:
        raise PermanentError(f"The tenant is Active, but: {'; '.join(wrong)}. Nothing was changed.")


def _context(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, task: Task) -> ActivityContext:
    return tenancy.activity_context(
        ledger, saga, application=task.application, stamp=task.stamp, fence_command=CompleteActivity(task.lease)
    )
