"""The DAG of the reconciler: every half minute, and at once when somebody has marked a run failed in Airflow."""

from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, AssetWatcher, DeltaTriggerTimetable

from tenancy.orchestration.periodic_tasks import PERIODIC_TASK_ARGUMENTS
from tenancy.orchestration.poke_trigger import PokeTrigger
from tenancy.orchestration.recovery_operators import ReconciliationOperator
from tenancy.orchestration.run_starts import ALLOWED_RUN_TYPES

DOC = """
### Reconcile

Finds whatever callbacks and actions missed: at once, a run that was marked failed; within a minute, one that ended
without a word, vanished or never started, an undoing whose process died, and an action that was recorded while Airflow
did not answer. **Leave it unpaused**: while it is paused, tenants still provision and are still undone by their
callbacks, but nobody finds what those miss. It cannot be triggered by hand: the next pass comes by itself.
"""

pokes = Asset("tenancy://pokes", watchers=[AssetWatcher(name="tenancy_pokes", trigger=PokeTrigger())])

with DAG(
    dag_id="tenant_reconciliation",
    description="Every half minute: settle what callbacks missed, start what was recorded, heed marks made in Airflow",
    doc_md=DOC,
    schedule=AssetOrTimeSchedule(assets=[pokes], timetable=DeltaTriggerTimetable(timedelta(seconds=30))),
    catchup=False,
    allowed_run_types=ALLOWED_RUN_TYPES["tenant_reconciliation"],
    max_active_runs=1,
    is_paused_upon_creation=False,
    # A run that cannot end must not keep the next one waiting for ever.
    dagrun_timeout=timedelta(minutes=10),
    tags=["tenancy"],
) as dag:
    ReconciliationOperator(execution_timeout=timedelta(minutes=5), **PERIODIC_TASK_ARGUMENTS)
