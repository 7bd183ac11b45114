"""The DAGs of the provisioning saga, one for each product: names, order, retries and callbacks. What the tasks do is in
include/tenancy."""

from airflow.sdk import DAG, chain, get_parsing_context

from tenancy.activities.plan import give_up_limit, limits, plan_of
from tenancy.bootstrap import platform, products
from tenancy.orchestration.activity_operator import ActivityOperator
from tenancy.orchestration.callbacks import activity_failed, run_failed
from tenancy.orchestration.deadline import deadline_alert
from tenancy.orchestration.product_dags import products_to_build
from tenancy.orchestration.request_form import request_params
from tenancy.orchestration.retry_policies import MAX_RETRY_DELAY, RETRIES, RETRY_DELAY, retry_policy
from tenancy.orchestration.run_starts import allowed_run_types
from tenancy.saga.product import Product
from tenancy.saga.stalls import PROVISIONING_LIMIT

DOC = """
### Provision a tenant of PRODUCT

One run is one attempt to provision one tenant. Its tasks are the activities of the saga, in order. An activity
retries until its time limit when a system does not respond. When the platform itself is at fault (a rotated password,
the platform file), it retries for as long as that lasts, and the tenant shows the reason. If a task fails for good,
everything that the attempt made is removed. After *Wait for workloads ready* is done, a failure removes nothing: only
a person's cancel or decommission does.

**Start it** with the form (*Trigger*), `POST /api/v2/dags/DAG_ID/dagRuns`, or
`airflow dags trigger DAG_ID -c '{"slug": "acme", "name": "Acme", "plan": "starter",
"region": "eu-central", "admin_email": "admin@acme.example"}'`.

A run starts at once: a logical date or `run_after` in the future is refused.

**A red task with a message such as "the slug acme is taken"** is a refusal: nothing was made, so nothing is undone.
Correct the request, then trigger again.

**Do not rely on the colours alone.** Marking a task as success changes nothing outside: the next activity reads the
ledger, not Airflow's task states. Clearing the whole run continues the same attempt; activities that are done pass.

Each activity may take 5 minutes, *Wait for workloads ready* 10, unless the platform file sets other limits. The waiting
task is deferred; the tenant's timeline shows how many pods are ready and why the others are not. A tenant usually takes
seconds.
"""

current_platform = platform()


def provisioning_dag(dag_id: str, product: Product) -> DAG:
    """The DAG of one product."""
    with DAG(
        dag_id=dag_id,
        description=f"Provision one tenant of {product.name}",
        doc_md=DOC.replace("DAG_ID", dag_id).replace("PRODUCT", product.name),
        schedule=None,
        catchup=False,
        allowed_run_types=allowed_run_types(dag_id),
        is_paused_upon_creation=False,
        # A run with a deferred task is active too, although it uses no slot: with a low limit here, waiting tenants
        # would keep others from their first activity. max_active_tasks bounds the work; deferred tasks do not count
        # against it.
        max_active_runs=1000,
        max_active_tasks=64,
        params=request_params(current_platform, product),
        on_failure_callback=run_failed,
        deadline=deadline_alert(limits(current_platform).tenants[PROVISIONING_LIMIT]),
        render_template_as_native_obj=False,
        tags=["tenancy", product.name],
        default_args={
            "retries": RETRIES,
            "retry_delay": RETRY_DELAY,
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": MAX_RETRY_DELAY,
            "on_failure_callback": activity_failed,
        },
    ) as dag:
        chain(
            *(
                ActivityOperator(
                    activity=activity.name,
                    product=product.name,
                    emits=activity.emits,
                    execution_timeout=give_up_limit(current_platform, activity),
                    retry_policy=retry_policy(),
                    doc=activity.label,
                )
                for activity in plan_of(product)
            )
        )
    return dag


# A task's process needs its own DAG only.
dags = [
    provisioning_dag(dag_id, product)
    for dag_id, product in products_to_build(products(), current_platform, get_parsing_context().dag_id).items()
]
