"""The Airflow settings and roles that Tenancy ships, as `AIRFLOW__SECTION__KEY` values.

Read by whatever starts Airflow (the sandbox's launcher, the compose file's generator); it starts nothing itself.
Where a number is measured, the measurement is Airflow 3.3.2, LocalExecutor, 2 cores.
"""

import json
from typing import Final

_READ_VIEWS: Final = (
    "DAGs", "DAG Code", "DAG Dependencies", "DAG Runs", "DAG Versions", "DAG Warnings", "Task Instances",
    "Task Logs", "Assets", "Asset Aliases", "Audit Logs", "Backfills", "Cluster Activity", "HITL Detail",
    "ImportError", "Jobs", "Plugins", "Pools", "Website", "My Profile", "My Password",
)  # fmt: skip
_MENUS: Final = (
    "Browse", "Audit Logs", "DAGs", "DAG Runs", "Task Instances", "Assets", "Plugins", "Documentation", "Docs",
)  # fmt: skip
_OWN_ACCOUNT: Final = (("can_edit", "My Profile"), ("can_edit", "My Password"))
_OPERATE: Final = (
    ("can_edit", "DAGs"),
    ("can_create", "DAG Runs"),
    ("can_edit", "DAG Runs"),
    ("can_create", "Task Instances"),
    ("can_edit", "Task Instances"),
)
FORCE: Final = ("can_edit", "Plugins")
"""Our own permission, which has no other meaning in Airflow: a forced reset, which can orphan work in progress.

[fab] custom_roles accepts FAB's own actions and resources only, in any combination. Any other word keeps Airflow from
starting (3.3.2, FAB provider's `_get_configured_action_and_resource`).
"""
_ENGINEER: Final = (
    FORCE,
    ("can_delete", "DAG Runs"),
    ("can_delete", "Task Instances"),
    ("can_read", "XComs"),
    ("can_read", "Connections"),
    ("can_create", "Connections"),
    ("can_edit", "Connections"),
    ("can_delete", "Connections"),
    ("can_create", "Pools"),
    ("can_edit", "Pools"),
    ("menu_access", "Admin"),
    ("menu_access", "Connections"),
    ("menu_access", "Pools"),
)
_SERVICE: Final = (
    ("can_read", "DAGs"),
    ("can_edit", "DAGs"),
    ("can_read", "DAG Runs"),
    ("can_create", "DAG Runs"),
    ("can_edit", "DAG Runs"),
    ("can_delete", "DAG Runs"),  # of our periodic DAGs, once they are old
    ("can_read", "Task Instances"),
    ("can_create", "Task Instances"),
    ("can_edit", "Task Instances"),
    ("can_read", "Audit Logs"),
    ("can_read", "Pools"),
    ("can_read", "Connections"),
    ("can_create", "Connections"),
    ("can_edit", "Connections"),
    ("can_delete", "Connections"),
)
_VIEWER: Final = (
    *(("can_read", view) for view in _READ_VIEWS),
    *(("menu_access", menu) for menu in _MENUS),
    *_OWN_ACCOUNT,
)

PERIODIC_TASK_POOL: Final = "tenancy_upkeep"
"""Where reconciling, the reality check and notifications run: a full `default_pool` does not keep them waiting."""
VIEWER: Final = "Tenancy Viewer"
OPERATOR: Final = "Tenancy Operator"
ENGINEER: Final = "Tenancy Platform Engineer"
SERVICE: Final = "Tenancy Service"

ROLES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    VIEWER: _VIEWER,
    OPERATOR: (*_VIEWER, *_OPERATE),
    ENGINEER: (*_VIEWER, *_OPERATE, *_ENGINEER),
    SERVICE: _SERVICE,
}
"""Role name -> (action, resource) pairs. "can_read on Plugins" shows plugin views; Airflow's own Viewer lacks it."""

DATABASE_LOCK_SECONDS: Final = 8
"""lock_timeout of the role that Airflow uses for its own database: `alter role airflow set lock_timeout = '8s'`.

It is shorter than our client waits for a response (adapters/airflow_api.py). Otherwise a request that our client has
given up keeps waiting in the api-server, and is executed once the lock is gone, after unwinding has observed that there
is nothing.
"""


def shipped_settings() -> dict[str, str]:
    """Settings for every Airflow that runs Tenancy, each with its reason."""
    return {
        "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
        "AIRFLOW__FAB__CUSTOM_ROLES": _roles_as_json(),
        # A saga that is still paused would seem to be a tenant that hangs.
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # The gap between two tasks falls from 0.81 s to 0.11 s (default: 1).
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.1",
        # What a killed scheduler had queued is adopted by the next: it is called dead after 30 s, and with Airflow's
        # default of 300 s nobody looked again for that long. The runbook gives an in-between state two minutes.
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30",
        # interval x failures must stay >= 60 s, or a short api-server restart kills every running task.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
        "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS": "40",
        # Unwinding runs in the failure callback: its own limit (40 s) < overtime < heartbeat time-out.
        "AIRFLOW__CORE__TASK_SUCCESS_OVERTIME": "60",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "120",
    }


def celery_settings() -> dict[str, str]:
    """Further settings if Celery runs the tasks, each with its reason.

    Redis and the workers can be lost at any moment, with messages in them. Celery does not find lost messages. Airflow
    does, by the time that a task is queued and by its heartbeat.
    """
    return {
        # A worker that is asked to end returns tasks that it has not begun, and takes no more than it can begin.
        "AIRFLOW__CELERY__TASK_ACKS_LATE": "True",
        "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "1",
        # Far longer than any task: after it Redis gives a message that is being worked on to another worker.
        "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "86400",
        # A Redis that hangs is left after a while. By default nobody is: a scheduler that takes a message back would
        # wait for ever, and schedule nothing.
        "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__SOCKET_TIMEOUT": "15",
        "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__SOCKET_CONNECT_TIMEOUT": "5",
        # A task whose message was lost (its worker died with it, or its scheduler before sending it) goes back to be
        # scheduled after 60 to 75 s and costs no try. By default: after 600 to 720 s, and at the third time it fails.
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "60",
        "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "15",
        "AIRFLOW__SCHEDULER__NUM_STUCK_IN_QUEUED_RETRIES": "10",
        # While Redis is away a task is not failed but kept and sent again. By default Celery gives up after 0.6 s and
        # Airflow fails the task at once: a restart of Redis of ten seconds cost tenants all their tries. It must be
        # Airflow's own time limit (1 s) that ends the wait: only that is counted as "again".
        "AIRFLOW__CELERY__OPERATION_TIMEOUT": "1",
        "AIRFLOW__CELERY__TASK_PUBLISH_MAX_RETRIES": "600",
        "AIRFLOW__CELERY__EXTRA_CELERY_CONFIG": json.dumps(
            {
                "task_publish_retry_policy": {
                    "max_retries": None,
                    "interval_start": 0.1,
                    "interval_step": 0.1,
                    "interval_max": 0.5,
                },
                # By default a worker gives up after 100 tries to find its broker again.
                "broker_connection_max_retries": None,
            }
        ),
    }


def _roles_as_json() -> str:
    as_objects = {
        role: [{"action": action, "resource": resource} for action, resource in pairs] for role, pairs in ROLES.items()
    }
    return json.dumps(as_objects)
