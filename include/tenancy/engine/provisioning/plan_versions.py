"""Plan versions: an attempt follows the plan that it recorded, even if the product's has changed since.

Why: during an upgrade, a run in progress meets a new plan, so its DAG run has a task more or less than its
recorded plan. Called where activities are run and where a run is given up.
"""

import logging

from tenancy.engine.tenancy import Tenancy
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import ActivityName
from tenancy.saga.states import State, StepStatus
from tenancy.saga.tenant import Lease, Saga

log = logging.getLogger(__name__)


def skips_activity(saga: Saga, lease: Lease) -> bool:
    """Should this task do nothing, because the attempt's plan does not have its activity? Logs it if so."""
    is_current = saga.state is State.PROVISIONING and saga.run_id == lease.run_id
    if not is_current or saga.current_attempt.has(lease.activity):
        return False
    log.info(
        "%s is not in the plan that attempt %d of %s began with: nothing is done, and the run continues. "
        "New attempts have it.",
        lease.activity,
        saga.attempt,
        saga.parameters.slug,
    )
    return True


def require_known_activities(tenancy: Tenancy, saga: Saga, activity: ActivityName | None = None) -> None:
    """Raise PlatformError if the product lacks an unfinished activity of the attempt's plan, up to `activity`."""
    product = tenancy.product_of(saga)
    for entry in saga.current_attempt.plan:
        if entry.activity not in product.activities and saga.step(entry.activity).status is not StepStatus.DONE:
            raise PlatformError(
                f"Attempt {saga.attempt} of {saga.parameters.slug} began with an activity {entry.activity} that the "
                f"product {product.name} {product.version} does not have: run the version that has it, or cancel the "
                "tenant.",
                cause=Cause.PLATFORM_VERSION,
            )
        if entry.activity == activity:
            return


def fault_of_plan(tenancy: Tenancy, saga: Saga) -> PlatformError | None:
    """The error if this version of the product cannot continue the attempt; None if it can."""
    try:
        require_known_activities(tenancy, saga)
    except PlatformError as error:
        return error
    return None
