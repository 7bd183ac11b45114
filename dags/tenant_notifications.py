"""The DAG that tells people: runs when the reconciler found something to be told, and on nothing else."""

from datetime import timedelta

from airflow.sdk import DAG

from tenancy.orchestration.notification_operator import ALERTS, NotificationOperator
from tenancy.orchestration.periodic_tasks import PERIODIC_TASK_ARGUMENTS
from tenancy.orchestration.run_starts import ALLOWED_RUN_TYPES

DOC = """
### Notify

Sends the alerts in the ledger's outbox to Slack, by mail and to a webhook: to each of the connections
`tenancy_notify_slack`, `tenancy_notify_smtp` and `tenancy_notify_webhook` that exists
(docs/operating/notifications.md). One message for each stall or class of stalls.
An address that does not answer is tried again later, for a day, and nothing
waits for it. **Leave it unpaused**: while it is paused nobody is told; tenants go on.
"""

with DAG(
    dag_id="tenant_notifications",
    description="Tell people of stalls: Slack, mail, webhook",
    doc_md=DOC,
    schedule=[ALERTS],
    catchup=False,
    allowed_run_types=ALLOWED_RUN_TYPES["tenant_notifications"],
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(minutes=10),
    tags=["tenancy"],
) as dag:
    # Each sending is bounded by itself (5 s), and what is not done now is done by the next run.
    NotificationOperator(execution_timeout=timedelta(minutes=5), **PERIODIC_TASK_ARGUMENTS)
