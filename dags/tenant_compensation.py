"""The DAG that unwinds a tenant. Cancel, Decommission, unfinished failure callbacks and the reconciler start it."""

from datetime import timedelta

from airflow.sdk import DAG, Param

from tenancy.orchestration.compensation_operator import CompensationOperator
from tenancy.orchestration.retry_policies import (
    UNWINDING_MAX_RETRY_DELAY,
    UNWINDING_RETRIES,
    UNWINDING_RETRY_DELAY,
    unwinding_retry_policy,
)
from tenancy.orchestration.run_starts import ALLOWED_RUN_TYPES

DOC = """
### Unwind a tenant

One run unwinds one tenant for one cancel, decommission or failure (a *generation*). It releases every resource that the
ledger names, checks that each is gone, and settles the tenant. **Do not start it manually**: *Cancel provisioning* and
*Decommission* start it, and the reconciler starts a missing one. A run for an older generation succeeds and changes
nothing.

It tries six times: about two minutes if each try fails at once, 14 if each hangs. If something is left then, the
tenant becomes *Failed stuck*: correct the cause that the error log names, then cancel again. If the ledger was restored
lately, do not cancel but escalate: the tenant may be *Active*. While the platform itself is at fault (a system that
does not respond, our credentials, a connection), the tenant does not become stuck: further runs follow until that is
corrected.
"""

with DAG(
    dag_id="tenant_compensation",
    description="Unwind one tenant: release its resources, then settle it",
    doc_md=DOC,
    schedule=None,
    catchup=False,
    allowed_run_types=ALLOWED_RUN_TYPES["tenant_compensation"],
    is_paused_upon_creation=False,
    max_active_runs=64,
    params={
        "tenant_id": Param(type="string", format="uuid"),
        "attempt": Param(type="integer", minimum=0),
        "generation": Param(type="integer", minimum=1),
        "purpose": Param("cancel", type="string", enum=["cancel", "decommission", "failure"]),
    },
    tags=["tenancy"],
) as dag:
    CompensationOperator(
        retries=UNWINDING_RETRIES,
        retry_delay=UNWINDING_RETRY_DELAY,
        retry_exponential_backoff=2.0,
        max_retry_delay=UNWINDING_MAX_RETRY_DELAY,
        retry_policy=unwinding_retry_policy(),
        execution_timeout=timedelta(minutes=2),
    )
