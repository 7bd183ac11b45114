"""Imports what tasks import inside functions, so that they inherit it (include/airflow_local_settings.py).

Only processes that fork tasks import this. A test compares the list with the imports themselves.
"""

# ruff: noqa: F401 - imported for those who import it later

from tenancy import bootstrap
from tenancy.activities import context
from tenancy.adapters import (
    admin_account,
    airflow_api,
    airflow_runs,
    applied_migrations,
    chart_archives,
    cluster,
    cluster_access,
    connection_extra,
    helm,
    job_migrations,
    migration_run,
    parameter_schema,
    parameter_values,
    storage,
    tenant_database,
    values_template,
)
from tenancy.engine.notifications import deliver_alerts
from tenancy.engine.provisioning import runner
from tenancy.engine.reconciliation import drift_check, pruning, reconcile
from tenancy.engine.recovery import failure, unwind
from tenancy.ledger import alerts, ledger, pokes
from tenancy.orchestration import (
    activity_operator,
    callbacks,
    compensation_operator,
    notification_operator,
    notifiers,
    periodic_operators,
    product_dags,
    readiness_trigger,
    request_form,
    retry_policies,
    task_log_pruning,
)
