"""The DAG of the saga: declares names, order, retries and callbacks. What the tasks do is in include/tenancy."""

from airflow.sdk import DAG, chain

from tenancy.activities.plan import PLAN, give_up_limit, limits
from tenancy.bootstrap import platform
from tenancy.orchestration.activity_operator import ActivityOperator
from tenancy.orchestration.callbacks import activity_failed, run_failed
from tenancy.orchestration.deadline import deadline_alert
from tenancy.orchestration.request_form import request_params
from tenancy.orchestration.retry_policies import MAX_RETRY_DELAY, RETRIES, RETRY_DELAY, retry_policy
from tenancy.orchestration.run_starts import ALLOWED_RUN_TYPES
from tenancy.saga.stalls import PROVISIONING_LIMIT

DOC = """
### Provision a tenant

One run is one attempt to provision one tenant. Its tasks are the saga's activities, in order. A system that does not
answer is tried again until the activity's time is up; a fault of the platform (a rotated password, the platform file)
for as long as it lasts, and the tenant says so. If a task fails for good, everything made so far is removed. Once *Wait
for workloads ready* is done, a failure keeps everything, and only a person's cancel or decommission removes it.

**Start it** with the form (*Trigger*), `POST /api/v2/dags/tenant_provisioning/dagRuns`, or
`airflow dags trigger tenant_provisioning -c '{"slug": "acme", "name": "Acme", "plan": "starter",
"region": "eu-central", "admin_email": "admin@acme.example"}'`.

A run starts at once: a logical date or `run_after` in the future is refused.

**A red task with a sentence such as "the slug acme is taken"** is a refusal: nothing was made, and nothing is undone.
Correct the request and trigger again.

**Do not trust the colours alone.** Marking a task as success changes nothing outside: the next activity looks at the
ledger, not at Airflow's marks. Clearing the whole run goes on with the same attempt; what is done, passes.

Each activity may take 5 minutes, *Wait for workloads ready* 10, unless the platform file says otherwise. The wait is
deferred meanwhile, and the tenant's timeline says how many pods are ready and what keeps the others. A tenant usually
needs seconds.
"""

current_platform = platform()

with DAG(
    dag_id="tenant_provisioning",
    description="Provision one tenant: request, storage, workflow handle, schema, workloads, active",
    doc_md=DOC,
    schedule=None,
    catchup=False,
    allowed_run_types=ALLOWED_RUN_TYPES["tenant_provisioning"],
    is_paused_upon_creation=False,
    # A run whose wait is deferred is active, too, and holds no slot: 64 waiting tenants would keep the 65th from its
    # first activity. What bounds the work is max_active_tasks, which deferred tasks do not count against.
    max_active_runs=1000,
    max_active_tasks=64,
    params=request_params(current_platform),
    on_failure_callback=run_failed,
    deadline=deadline_alert(limits(current_platform).tenants[PROVISIONING_LIMIT]),
    render_template_as_native_obj=False,
    tags=["tenancy"],
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
                emits=activity.emits,
                execution_timeout=give_up_limit(current_platform, activity),
                retry_policy=retry_policy(),
                doc=activity.label,
            )
            for activity in PLAN
        )
    )
