"""The DAG of the drift check: every half hour it compares ledger and outside world. It only reports."""

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable

from tenancy.orchestration.periodic_operators import DriftCheckOperator
from tenancy.orchestration.periodic_tasks import PERIODIC_TASK_ARGUMENTS
from tenancy.orchestration.run_starts import ALLOWED_RUN_TYPES

DOC = """
### Drift check

Compares the ledger with what exists in every region, and the ledger's rows with its facts. Its findings: **orphans**
(our objects that belong to no tenant), resources of an Active tenant that are **missing**, and objects or rows that
somebody **edited**. It removes and repairs nothing: `tenantctl findings` lists the findings, each with what to do. A
finding closes by itself once the difference is gone. A region that does not respond is listed as *not checked*.
**Leave this DAG unpaused.** To check now, trigger it without a logical date: it compares the present only.
"""

with DAG(
    dag_id="tenant_reality_check",
    description="Every half hour: compare the ledger with the outside world",
    doc_md=DOC,
    # At once on a new platform: before the first pass has ended, the health page cannot say anything.
    schedule=CronTriggerTimetable("*/30 * * * *", timezone="UTC", run_immediately=True),
    catchup=False,
    allowed_run_types=ALLOWED_RUN_TYPES["tenant_reality_check"],
    max_active_runs=1,
    is_paused_upon_creation=False,
    # A run that hangs must not block the next one for ever.
    dagrun_timeout=timedelta(minutes=40),
    tags=["tenancy"],
) as dag:
    # The first run comes while the api-server may still be starting; the next one would come half an hour later.
    DriftCheckOperator(
        execution_timeout=timedelta(minutes=25), retries=2, retry_delay=timedelta(seconds=30), **PERIODIC_TASK_ARGUMENTS
    )
