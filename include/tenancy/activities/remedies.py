"""The remedy of each cause: the sentence that tells an operator what to do about it, and the action that does it.

advice.py combines them with the activities' own remedies. tests/unit/test_advice.py requires one for every cause.
"""

from collections.abc import Mapping
from typing import Final

from tenancy.saga.advice import Remedy
from tenancy.saga.causes import Cause

REMEDIES: Final[Mapping[Cause, Remedy]] = {
    Cause.INPUT: Remedy("Correct the input: decommission, then recreate.", "decommission"),
    Cause.PLATFORM_FILE: Remedy("Have platform engineering put the platform file right.", "escalate"),
    Cause.PLATFORM_FULL: Remedy("Have the quota or the region's capacity raised, or free a place."),
    Cause.PLATFORM_FAULT: Remedy(
        "Escalate: the platform has to be mended first, then it goes on by itself.", "escalate"
    ),
    Cause.PLATFORM_VERSION: Remedy(
        "Escalate: a part of Tenancy has another version than the ledger or the attempt. It goes on by itself once "
        "every worker has the same version.",
        "escalate",
    ),
    Cause.PLATFORM_CONNECTION: Remedy(
        "Escalate: have the Airflow connection put right that the sentence names. It goes on by itself then.",
        "escalate",
    ),
    Cause.PLATFORM_CREDENTIALS: Remedy(
        "Escalate: have our credentials renewed in the Airflow connection that the sentence names. It goes on by "
        "itself then.",
        "escalate",
    ),
    Cause.PLATFORM_RIGHTS: Remedy(
        "Escalate: have the right granted that the sentence names. It goes on by itself then.", "escalate"
    ),
    Cause.FOREIGN_OBJECT: Remedy("Find out whose that object is: nothing of a stranger's is touched.", "escalate"),
    Cause.OTHER_SYSTEM: Remedy(
        "Have the Airflow connection pointed back to the recorded system, or that system declared replaced or lost.",
        "escalate",
    ),
    Cause.LOCK_HELD: Remedy("Another process works on this tenant: it is evicted when it does not let go."),
    Cause.LEDGER_SILENT: Remedy("Have the ledger's database looked at.", "escalate"),
    Cause.LEDGER_REFUSES: Remedy(
        "Have the ledger's login, rights and connection corrected as the sentence says.", "escalate"
    ),
    Cause.STORAGE_UNREACHABLE: Remedy("Have the region's storage server looked at; all goes on when it answers."),
    Cause.STORAGE_NO_SLOTS: Remedy("Have idle sessions of the storage server ended, or its limit raised."),
    Cause.STORAGE_BLOCKED: Remedy(
        "End the session that blocks it (select pg_terminate_backend(pid)), or have it ended."
    ),
    Cause.STORAGE_OVERLOADED: Remedy(
        "Have memory and limits of the storage server looked at; it is out of a resource."
    ),
    Cause.STORAGE_DISK_FULL: Remedy("Have space freed on the storage server.", "escalate"),
    Cause.STORAGE_TEMPLATE_IN_USE: Remedy("Retry: databases are no longer made from template1."),
    Cause.STORAGE_DATABASE_HELD: Remedy("Have what holds the database ended: the error names it, and how."),
    Cause.STORAGE_DROPPING: Remedy("Wait: the server goes on dropping the database; a checkpoint takes long there."),
    Cause.STORAGE_ROLE_IN_USE: Remedy("Have the statement run that the error names, in each database that it names."),
    Cause.STORAGE_COLLATION: Remedy("Have the statement run on the storage server that the error names."),
    Cause.STORAGE_PERMISSION: Remedy(
        "Have the statement run that the error, or the platform's health, names.", "escalate"
    ),
    Cause.STORAGE_READ_ONLY: Remedy(
        "If a fail-over takes place, wait for it. Otherwise have the storage connection led to the primary server, or "
        "`alter role <admin> reset default_transaction_read_only` run there."
    ),
    Cause.STORAGE_POOLER: Remedy(
        "Have the storage connection led to PostgreSQL itself, not to a pooler (docs/integrating/connections.md).",
        "escalate",
    ),
    Cause.STORAGE_CREDENTIALS: Remedy(
        "Have the login and password of the storage connection in Airflow corrected, or `alter role <admin> login "
        "password '...'` run on the server, or the server's pg_hba.conf.",
        "escalate",
    ),
    Cause.STORAGE_ROLE_CHANGED: Remedy(
        "Have the statement run that the error names. The next attempt sets the password again, too."
    ),
    Cause.STORAGE_CONNECTION: Remedy(
        "Have the storage connection in Airflow corrected as the sentence says (docs/integrating/connections.md).",
        "escalate",
    ),
    Cause.STORAGE_BROKEN: Remedy(
        "Have the storage server's log read: PostgreSQL reports a fault of its own.", "escalate"
    ),
    Cause.ENGINE_SCHEDULER_SILENT: Remedy("Escalate: nothing is scheduled until it is back.", "escalate"),
    Cause.ENGINE_TRIGGERER_SILENT: Remedy("Escalate: nothing that waits goes on until it is back.", "escalate"),
    Cause.ENGINE_UNREACHABLE: Remedy("Escalate: the workflow engine has to answer first.", "escalate"),
    Cause.ENGINE_REFUSES: Remedy("Escalate with the engine's own words.", "escalate"),
    Cause.ENGINE_PAUSED: Remedy("Unpause the DAG in Airflow, unless somebody restores a backup of the ledger."),
    Cause.ENGINE_QUEUE: Remedy("Nothing: it goes on when a place is free."),
    Cause.ENGINE_NO_POOL: Remedy("Have the plan's pool made in Airflow.", "escalate"),
    Cause.SCHEMA_MIGRATION: Remedy("The statement that failed stands in the error log."),
    Cause.HELM_PENDING: Remedy("The next try brings the release back by itself."),
    Cause.HELM_FAILED: Remedy("Helm's own words stand in the error log."),
    Cause.CLUSTER_UNREACHABLE: Remedy("Have the region's cluster looked at; all goes on when it answers."),
    Cause.CLUSTER_REFUSES: Remedy("Have the cluster looked at: it answers, and refuses.", "escalate"),
    Cause.CLUSTER_CREDENTIALS: Remedy("Renew the token in the region's Airflow connection to the cluster.", "escalate"),
    Cause.CLUSTER_RIGHTS: Remedy("Grant our service account the right that the sentence names.", "escalate"),
    Cause.CLUSTER_ADMISSION: Remedy(
        "Have the cluster's admission rule changed (LimitRange, policy, webhook): the sentence has its words.",
        "escalate",
    ),
    Cause.CLUSTER_WEBHOOK: Remedy("Have the cluster's admission webhook repaired; all goes on when it answers."),
    Cause.CLUSTER_SCALED: Remedy("Scale the Deployment back to the plan's replicas, and stop what scales it down."),
    Cause.CLUSTER_NODE: Remedy("Have the node repaired or removed from the cluster: its kubelet does not answer."),
    Cause.CLUSTER_IMAGE: Remedy("See that the image exists and may be pulled."),
    Cause.CLUSTER_CRASH: Remedy("Read the container's log: it starts and ends."),
    Cause.CLUSTER_UNSCHEDULABLE: Remedy("Have room made in the cluster: no node takes the pod."),
    Cause.CLUSTER_QUOTA: Remedy("Have the namespace's quota compared with the plan."),
    Cause.CLUSTER_PROBE: Remedy("Look whether the workload's health check can succeed."),
    Cause.CLUSTER_ENDING: Remedy(
        "See what keeps the old namespace from ending: the evidence names what remains in it."
    ),
    Cause.INGRESS_SILENT: Remedy("Have the region's ingress looked at: no tenant answers at its address meanwhile."),
    Cause.UNKNOWN: Remedy(""),
}
