"""The DAG that holds the ledger against the world, every half hour. It reports; it changes nothing outside."""

from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable

from tenancy.orchestration.periodic_tasks import PERIODIC_TASK_ARGUMENTS
from tenancy.orchestration.recovery_operators import DriftCheckOperator
from tenancy.orchestration.run_starts import ALLOWED_RUN_TYPES

DOC = """
### Reality check

Compares the ledger with what exists in every region, and the ledger's rows with its facts. It finds **orphans** (our
objects that no tenant has), what is **missing** of an Active tenant, and rows that somebody **edited**. Nothing is
removed or mended here: `tenantctl findings` lists them, each with what to do; they disappear once they are mended.
A region that does not answer is named as *not looked at*. **Leave it unpaused**; trigger it to look at once,
without a logical date: it compares the present only.
"""

with DAG(
    dag_id="tenant_reality_check",
    description="Every half hour: the ledger against the world",
    doc_md=DOC,
    # At once on a new platform: until the first pass has ended, nobody knows.
    schedule=CronTriggerTimetable("*/30 * * * *", timezone="UTC", run_immediately=True),
    catchup=False,
    allowed_run_types=ALLOWED_RUN_TYPES["tenant_reality_check"],
    max_active_runs=1,
    is_paused_upon_creation=False,
    # A run that cannot end must not keep the next one waiting for ever.
    dagrun_timeout=timedelta(minutes=40),
    tags=["tenancy"],
) as dag:
    # The first run comes while the api-server may still be starting; the next one would come half an hour later.
    DriftCheckOperator(
        execution_timeout=timedelta(minutes=25), retries=2, retry_delay=timedelta(seconds=30), **PERIODIC_TASK_ARGUMENTS
    )
