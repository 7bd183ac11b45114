"""The DAG of the reconciler: every minute, and at once when somebody has marked a run failed in Airflow."""

from datetime import timedelta

from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, AssetWatcher, CronTriggerTimetable

from tenancy.orchestration.poke_trigger import PokeTrigger
from tenancy.orchestration.recovery import ReconciliationOperator

DOC = """
### Reconcile

Finds whatever callbacks and actions missed: at once, a run that was marked failed; within two minutes, one that ended
without a word or never started; within three, an undoing whose process died; and an action that was recorded while
Airflow did not answer. **Leave it unpaused**: while it is paused, tenants still provision and are still undone by their
callbacks, but nobody finds what those miss.
"""

pokes = Asset("tenancy://pokes", watchers=[AssetWatcher(name="tenancy_pokes", trigger=PokeTrigger())])

with DAG(
    dag_id="tenant_reconciliation",
    description="Every minute: settle what callbacks missed, start what was recorded, heed marks made in Airflow",
    doc_md=DOC,
    schedule=AssetOrTimeSchedule(
        assets=[pokes], timetable=CronTriggerTimetable("* * * * *", timezone="UTC", run_immediately=False)
    ),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    tags=["tenancy"],
) as dag:
    ReconciliationOperator(execution_timeout=timedelta(minutes=5))
