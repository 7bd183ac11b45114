"""An attempt goes by the plan that it recorded, whatever PLAN this version of Tenancy has.

Called where activities are run and where a run is given up. During an upgrade, and after one, a run in flight meets
another list of activities than the one that it began with: its DAG run has a task more than its plan, or a task less.
"""

import logging

from tenancy.activities.plan import PLAN
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import ActivityName
from tenancy.saga.states import State, StepStatus
from tenancy.saga.tenant import Lease, Saga

log = logging.getLogger(__name__)


def passes(saga: Saga, lease: Lease) -> bool:
    """Has this task nothing to do, because the attempt's plan does not have its activity? The log says so."""
    is_current = saga.state is State.PROVISIONING and saga.run_id == lease.run_id
    if not is_current or lease.activity in {entry.activity for entry in saga.plan}:
        return False
    log.info(
        "%s is not in the plan that attempt %d of %s began with: nothing is done, and the run goes on. "
        "New attempts have it.",
        lease.activity,
        saga.attempt,
        saga.parameters.slug,
    )
    return True


def require_known(saga: Saga, activity: ActivityName | None = None) -> None:
    """PlatformError when the attempt cannot go on with this version's PLAN: up to this activity, or at all."""
    known = {each.name for each in PLAN}
    for entry in saga.plan:
        if entry.activity not in known and saga.step(entry.activity).status is not StepStatus.DONE:
            raise PlatformError(
                f"Attempt {saga.attempt} of {saga.parameters.slug} began with an activity {entry.activity} that this "
                "version of Tenancy does not have: run the version that has it, or cancel the tenant.",
                cause=Cause.PLATFORM_VERSION,
            )
        if entry.activity == activity:
            return


def fault_of_plan(saga: Saga) -> PlatformError | None:
    """Why this version of Tenancy cannot go on with the attempt, if it cannot."""
    try:
        require_known(saga)
    except PlatformError as error:
        return error
    return None
