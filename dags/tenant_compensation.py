"""The DAG that undoes a tenant: started by Cancel, Decommission, an unfinished failure callback, the reconciler."""

from datetime import timedelta

from airflow.sdk import DAG, Param

from tenancy.orchestration.recovery_operators import CompensationOperator
from tenancy.orchestration.retry_policies import (
    UNWINDING_MAX_RETRY_DELAY,
    UNWINDING_RETRIES,
    UNWINDING_RETRY_DELAY,
    unwinding_retry_policy,
)
from tenancy.orchestration.run_starts import ALLOWED_RUN_TYPES

DOC = """
### Undo a tenant

One run undoes one tenant for one wish (a *generation*): it releases every resource the ledger names, looks
at everything once more, and settles. **Do not start it by hand**: *Cancel provisioning* and *Decommission* do, and the
reconciler does when one is missing. A run whose wish was overtaken by a newer one ends well and changes nothing.

It tries six times within about two minutes. What is left then makes the tenant *Failed stuck*: mend the cause, which
the error log names, and cancel again. While the platform is at fault (our credentials, a connection) it
does not become stuck: another run follows until that is mended.
"""

with DAG(
    dag_id="tenant_compensation",
    description="Undo one tenant: release all it has, and settle",
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
