"""The remedy of each cause: the sentence that tells an operator what to do about it, and the action that does it.

advice.py combines them with the activities' own remedies. tests/unit/test_advice.py requires one for every cause.
"""

from collections.abc import Mapping
from typing import Final

from tenancy.saga.advice import Remedy, escalate
from tenancy.saga.causes import Cause

REMEDIES: Final[Mapping[Cause, Remedy]] = {
    Cause.INPUT: Remedy("Correct the input when you retry, or decommission and recreate instead.", "decommission"),
    Cause.PLATFORM_FILE: escalate("platform engineering must correct the platform file."),
    Cause.PLATFORM_FULL: Remedy("Have the quota or the region's capacity raised, or make room in the region."),
    Cause.PLATFORM_FAULT: escalate("the platform must be repaired first. The tenant then continues by itself."),
    Cause.PLATFORM_VERSION: escalate(
        "a part of Tenancy has another version than the ledger or the attempt. The tenant continues by "
        "itself once every worker has the same version."
    ),
    Cause.PLATFORM_CONNECTION: escalate(
        "the Airflow connection that the message names must be corrected. The tenant then continues by itself."
    ),
    Cause.PLATFORM_CREDENTIALS: escalate(
        "the credentials in the Airflow connection that the message names must be renewed. The tenant then "
        "continues by itself."
    ),
    Cause.PLATFORM_RIGHTS: escalate(
        "the right that the message names must be granted. The tenant then continues by itself."
    ),
    Cause.FOREIGN_OBJECT: Remedy(
        "Find out who owns the object. Tenancy changes no object that it does not own.", "escalate"
    ),
    Cause.OTHER_SYSTEM: Remedy(
        "Have the Airflow connection changed back to the recorded system. If that system was replaced or lost, have "
        "that declared in the platform file.",
        "escalate",
    ),
    Cause.LOCK_HELD: Remedy("Another process holds this tenant's lock. It is evicted if it does not release the lock."),
    Cause.LEDGER_SILENT: Remedy("Have the ledger's database checked.", "escalate"),
    Cause.LEDGER_REFUSES: Remedy(
        "Have the ledger's login, rights and connection corrected as the message says.", "escalate"
    ),
    Cause.STORAGE_UNREACHABLE: Remedy("Have the region's storage server checked. Tenants continue when it answers."),
    Cause.STORAGE_NO_SLOTS: Remedy("Have idle sessions of the storage server ended, or its limit raised."),
    Cause.STORAGE_BLOCKED: Remedy(
        "End the session that blocks it (select pg_terminate_backend(pid)), or have it ended."
    ),
    Cause.STORAGE_OVERLOADED: Remedy(
        "Have the storage server's memory and limits checked: it has run out of a resource."
    ),
    Cause.STORAGE_DISK_FULL: Remedy("Have space freed on the storage server.", "escalate"),
    Cause.STORAGE_TEMPLATE_IN_USE: Remedy("Retry: databases are no longer copied from template1."),
    Cause.STORAGE_DATABASE_HELD: Remedy(
        "End what holds the database, or have it ended. The error names it and says how."
    ),
    Cause.STORAGE_DROPPING: Remedy("Wait: the server is still dropping the database. A checkpoint takes long there."),
    Cause.STORAGE_ROLE_IN_USE: Remedy("Have the statement in the error run in each database that it names."),
    Cause.STORAGE_COLLATION: Remedy("Have the statement in the error run on the storage server."),
    Cause.STORAGE_PERMISSION: Remedy(
        "Have the statement in the error, or in the platform's health, run on the storage server.", "escalate"
    ),
    Cause.STORAGE_READ_ONLY: Remedy(
        "If a failover is under way, wait until it is complete. Otherwise have the storage connection changed to the "
        "primary server, or `alter role <admin> reset default_transaction_read_only` run there."
    ),
    Cause.STORAGE_POOLER: Remedy(
        "Have the storage connection changed to PostgreSQL itself, not a pooler (docs/integrating/connections.md).",
        "escalate",
    ),
    Cause.STORAGE_CREDENTIALS: Remedy(
        "Have the login and password of the storage connection in Airflow or the server's pg_hba.conf corrected, or "
        "`alter role <admin> login password '...'` run on the server.",
        "escalate",
    ),
    Cause.STORAGE_ROLE_CHANGED: Remedy(
        "Have the statement in the error run. The next attempt also sets the password again."
    ),
    Cause.STORAGE_CONNECTION: Remedy(
        "Have the storage connection in Airflow corrected as the message says (docs/integrating/connections.md).",
        "escalate",
    ),
    Cause.STORAGE_BROKEN: Remedy(
        "Have the storage server's log read: PostgreSQL reports an internal error.", "escalate"
    ),
    Cause.ENGINE_SCHEDULER_SILENT: escalate("no task starts until the scheduler is back."),
    Cause.ENGINE_TRIGGERER_SILENT: escalate("no waiting task continues until the triggerer is back."),
    Cause.ENGINE_UNREACHABLE: escalate("the workflow engine must answer first."),
    Cause.ENGINE_REFUSES: Remedy("Escalate, and quote the workflow engine's error.", "escalate", ""),
    Cause.ENGINE_PAUSED: Remedy("Unpause the DAG in Airflow, unless somebody restores a backup of the ledger."),
    Cause.ENGINE_QUEUE: Remedy("Wait: the tenant continues when a slot is free."),
    Cause.ENGINE_NO_POOL: Remedy("Have the plan's pool created in Airflow.", "escalate"),
    Cause.SCHEMA_MIGRATION: Remedy(
        "Read the error log: it has the statement that failed. Correct the migration that it names."
    ),
    Cause.HELM_PENDING: Remedy("The next try repairs the release by itself."),
    Cause.HELM_FAILED: Remedy("Read the error log: it has Helm's error."),
    Cause.CLUSTER_UNREACHABLE: Remedy("Have the region's cluster checked. Tenants continue when it answers."),
    Cause.CLUSTER_REFUSES: Remedy("Have the cluster checked: it answers, but refuses requests.", "escalate"),
    Cause.CLUSTER_CREDENTIALS: Remedy("Renew the token in the region's Airflow connection to the cluster.", "escalate"),
    Cause.CLUSTER_RIGHTS: Remedy("Grant Tenancy's service account the right that the message names.", "escalate"),
    Cause.CLUSTER_ADMISSION: Remedy(
        "Have the cluster's admission rule changed (LimitRange, policy, webhook). The message quotes it.",
        "escalate",
    ),
    Cause.CLUSTER_WEBHOOK: Remedy("Have the cluster's admission webhook repaired. Tenants continue when it answers."),
    Cause.CLUSTER_SCALED: Remedy(
        "Scale the workload back to the replicas that the message asks for, and stop what scales it down."
    ),
    Cause.CLUSTER_NODE: Remedy("Have the node repaired or removed from the cluster: its kubelet does not answer."),
    Cause.CLUSTER_IMAGE: Remedy("Check that the image exists and can be pulled."),
    Cause.CLUSTER_CRASH: Remedy("Read the container's log: the container starts and exits."),
    Cause.CLUSTER_UNSCHEDULABLE: Remedy("Have room made in the cluster: no node accepts the pod."),
    Cause.CLUSTER_QUOTA: Remedy("Have the namespace's quota compared with the plan."),
    Cause.CLUSTER_PROBE: Remedy("Check whether the workload's health check can succeed."),
    Cause.CLUSTER_JOB: Remedy("Have the Job of the chart corrected. The log of its container says why it fails."),
    Cause.CLUSTER_VOLUME: Remedy(
        "Have the cluster's storage checked: it gives a PersistentVolumeClaim no volume. The message quotes it."
    ),
    Cause.CLUSTER_ENDING: Remedy(
        "Find out what keeps the old namespace from being deleted: the message names what remains in it."
    ),
    Cause.INGRESS_SILENT: Remedy(
        "Have the region's ingress checked: until it answers, no tenant can be reached at its address."
    ),
    Cause.UNKNOWN: Remedy(""),
}
