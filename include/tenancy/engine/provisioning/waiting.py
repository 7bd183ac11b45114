"""Checks whether a waiting activity is ready. Called in the worker for 2 s, then by the trigger after each change.

A check takes no lock and changes nothing outside; it records progress if that has changed. Only a worker records that
the activity has completed or failed (runner.py), because failure callbacks run in workers.
"""

import logging
from datetime import datetime

from tenancy.activities.activity import WaitingActivity
from tenancy.activities.context import ActivityContext
from tenancy.activities.plan import give_up_limit
from tenancy.activities.registry import activity_of
from tenancy.adapters.workload_readiness import Readiness
from tenancy.engine.provisioning.retry_window import window_of
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.commands import CompleteActivity, ReportProgress
from tenancy.saga.decide import decide
from tenancy.saga.errors import PermanentError, PlatformError, Refused, TransientError
from tenancy.saga.tenant import Lease, Saga

log = logging.getLogger(__name__)

_SOON_SECONDS = 2.0
"""A deferral costs 2.3 to 3.1 s beyond the wait itself, measured with Airflow 3.3.2: 1.2 to 1.8 until the triggerer has
picked it up, 0.8 to 1.0 from the event until the task is scheduled (both by loops that turn once a second and cannot be
set), 0.3 in the worker. A pod that is nearly ready is there sooner. Longer would keep slots from others: a machine that
begins one tenant a second has two slots waiting like this."""
_PAUSE_SECONDS = 0.1


def deadline(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, lease: Lease) -> datetime:
    """When the activity's time is up. Airflow's retries do not extend it; a platform fault does."""
    window = window_of(ledger.envelopes(saga.tenant_id), saga.attempt, lease.activity)
    return (window.started or tenancy.now()) + give_up_limit(tenancy.platform, activity_of(lease.activity))


def is_over(tenancy: Tenancy, lease: Lease, *, actor: str) -> bool:
    """Should the wait end, because it is ready, can never be ready, or is no longer needed?

    If the cluster does not respond, the wait continues, and the progress message reports that.
    """
    with tenancy.ledger.open(f"tenancy wait {lease.holder}") as ledger:
        return _is_over(tenancy, ledger, lease, actor)


def is_soon_over(tenancy: Tenancy, ledger: LedgerSession, lease: Lease, *, actor: str) -> bool:
    """Does the wait end within 2 s, so that a deferral is not worth its cost?"""
    end = tenancy.monotonic() + _SOON_SECONDS
    while tenancy.monotonic() < end:
        tenancy.sleep(_PAUSE_SECONDS)
        if _is_over(tenancy, ledger, lease, actor):
            return True
    return False


def _is_over(tenancy: Tenancy, ledger: LedgerSession, lease: Lease, actor: str) -> bool:
    saga = _saga(ledger, lease)
    if saga is None:
        return True
    stamp = Stamp(actor, lease=lease.holder)
    try:
        readiness = _look(tenancy, ledger, saga, lease, stamp)
        if not readiness.ready:
            ledger.record(saga.tenant_id, ReportProgress(lease, readiness.reason, readiness.cause), stamp=stamp)
    except (Refused, PermanentError, PlatformError) as reason:
        log.info("%s: the wait is over: %s", lease.activity, reason)
        return True
    return readiness.ready


def _saga(ledger: LedgerSession, lease: Lease) -> Saga | None:
    tenant_id = ledger.tenant_of_run(lease.run_id)
    return ledger.saga(tenant_id) if tenant_id else None


def _look(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, lease: Lease, stamp: Stamp) -> Readiness:
    # Refused if a newer task instance has taken over, or the tenant was cancelled
    decide(saga, CompleteActivity(lease))
    activity = activity_of(lease.activity)
    assert isinstance(activity, WaitingActivity)  # only they are deferred
    try:
        return activity.readiness(_context(tenancy, ledger, saga, lease, stamp))
    except (TransientError, PlatformError) as silence:
        return Readiness(ready=False, reason=f"cannot check: {silence}", cause=silence.cause)


def _context(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, lease: Lease, stamp: Stamp) -> ActivityContext:
    application = f"tenancy wait {lease.holder}"
    return tenancy.activity_context(
        ledger, saga, application=application, stamp=stamp, fence_command=CompleteActivity(lease)
    )
