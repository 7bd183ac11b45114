"""Plan versions: an attempt follows the plan that it recorded, even if the product's has changed since.

Why: during an upgrade, a run in progress meets a new plan, so its DAG run has a task more or less than its
recorded plan. Called where activities are run and where a run is given up.
"""

import logging

from tenancy.engine.tenancy import Tenancy
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError
from tenancy.saga.names import ActivityName
from tenancy.saga.product import Product
from tenancy.saga.products import product_of_dag
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
    """Raise PlatformError unless the attempt's DAG has the unfinished activities of its plan, up to `activity`, in the
    plan's order. ProductFileError if a product cannot be loaded."""
    known = tenancy.product_of(saga).activities
    dag = tenancy.products.named(product_of_dag(tenancy.products, saga.dag_id))  # another default product has this DAG
    last = -1
    for entry in saga.current_attempt.plan:
        if saga.step(entry.activity).status is not StepStatus.DONE:
            if entry.activity not in known:
                raise _unknown_activity(saga, entry.activity, tenancy.product_of(saga))
            place = dag.activities.index(entry.activity) if entry.activity in dag.activities else -1
            if place < last or place < 0:
                raise _other_tasks(saga, entry.activity, dag)
            last = place
        if entry.activity == activity:
            return


def require_recorded_plan(tenancy: Tenancy, saga: Saga) -> None:
    """Raise PlatformError before a retry of a tenant with resources, if it recorded no product (version 0.2 and before)
    and the default one has other activities: it is another product, whose migrations must not meet its data."""
    if saga.product or not saga.live_resources:
        return
    product = tenancy.product_of(saga)
    if product.activities != tuple(entry.activity for entry in saga.current_attempt.plan):
        raise PlatformError(
            f"{saga.parameters.slug} has resources and recorded no product, as in version 0.2, and the default product "
            f"{product.name} has other activities than its last attempt. Make its own product the default one "
            "(TENANCY_PRODUCT) until it was retried, or decommission it.",
            cause=Cause.PLATFORM_VERSION,
        )


def _unknown_activity(saga: Saga, activity: ActivityName, product: Product) -> PlatformError:
    return PlatformError(
        f"Attempt {saga.attempt} of {saga.parameters.slug} began with an activity {activity} that the product "
        f"{product.name} {product.version} does not have: run the version that has it, or cancel the tenant.",
        cause=Cause.PLATFORM_VERSION,
    )


def _other_tasks(saga: Saga, activity: ActivityName, product: Product) -> PlatformError:
    own = saga.product or product.name
    return PlatformError(
        f"Attempt {saga.attempt} of {saga.parameters.slug}, a tenant of {own}, runs in {saga.dag_id}. Its tasks "
        f"are now those of the product {product.name} {product.version}, which does not have {activity} at its place. "
        f"If {product.name} is not {own}, make {own} the default product again (TENANCY_PRODUCT). Else run the "
        "version that has it there, or cancel the tenant.",
        cause=Cause.PLATFORM_VERSION,
    )


def fault_of_plan(tenancy: Tenancy, saga: Saga) -> PlatformError | None:
    """The error if this version of the product cannot continue the attempt; None if it can."""
    try:
        require_known_activities(tenancy, saga)
    except PlatformError as error:
        return error
    return None
