"""The DAG that sends alerts. It runs only when the reconciler has found something to send."""

from datetime import timedelta

from airflow.sdk import DAG

from tenancy.orchestration.notification_operator import ALERTS, NotificationOperator
from tenancy.orchestration.periodic_tasks import PERIODIC_TASK_ARGUMENTS
from tenancy.orchestration.run_starts import ALLOWED_RUN_TYPES

DOC = """
### Send alerts

Sends the alerts of the ledger's outbox to Slack, by mail and to a webhook. A channel exists when its connection
exists: `tenancy_notify_slack`, `tenancy_notify_smtp`, `tenancy_notify_webhook` (docs/operating/notifications.md).
Each stall or incident group raises one alert. An address that does not respond is tried again for a day; other
channels do not wait for it. **Leave this DAG unpaused**: while it is paused, nobody is notified. Tenants still
provision.
"""

with DAG(
    dag_id="tenant_notifications",
    description="Notify people of stalls: Slack, mail, webhook",
    doc_md=DOC,
    schedule=[ALERTS],
    catchup=False,
    allowed_run_types=ALLOWED_RUN_TYPES["tenant_notifications"],
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(minutes=10),
    tags=["tenancy"],
) as dag:
    # Each delivery has its own limit (5 s). What is not sent in this run, the next run sends.
    NotificationOperator(execution_timeout=timedelta(minutes=5), **PERIODIC_TASK_ARGUMENTS)
