"""The DAG of the reconciler: every 30 s, and at once when somebody has marked a run failed in Airflow."""

from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, AssetWatcher, DeltaTriggerTimetable

from tenancy.orchestration.periodic_operators import ReconciliationOperator
from tenancy.orchestration.periodic_tasks import PERIODIC_TASK_ARGUMENTS
from tenancy.orchestration.poke_trigger import PokeTrigger
from tenancy.orchestration.run_starts import ALLOWED_RUN_TYPES

DOC = """
### Reconcile

Finishes what callbacks and actions missed. At once: a run that was marked failed. Within a minute: a run that ended
without a callback, vanished or never started; an unwinding whose process died; an action that was recorded while
Airflow did not respond. **Leave this DAG unpaused**: while it is paused, tenants still provision, and callbacks still
unwind them, but nothing finds what the callbacks miss. You cannot trigger it yourself: the next pass starts by itself.
"""

pokes = Asset("tenancy://pokes", watchers=[AssetWatcher(name="tenancy_pokes", trigger=PokeTrigger())])

with DAG(
    dag_id="tenant_reconciliation",
    description="Every 30 s: finish what callbacks missed, start what was recorded, apply marks made in Airflow",
    doc_md=DOC,
    schedule=AssetOrTimeSchedule(assets=[pokes], timetable=DeltaTriggerTimetable(timedelta(seconds=30))),
    catchup=False,
    allowed_run_types=ALLOWED_RUN_TYPES["tenant_reconciliation"],
    max_active_runs=1,
    is_paused_upon_creation=False,
    # A run that hangs must not block the next one for ever.
    dagrun_timeout=timedelta(minutes=10),
    tags=["tenancy"],
) as dag:
    ReconciliationOperator(execution_timeout=timedelta(minutes=5), **PERIODIC_TASK_ARGUMENTS)
