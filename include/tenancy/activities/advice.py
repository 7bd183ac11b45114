"""What to do next, as data beside PLAN: the runbook's table by activity, what each cause needs, one sentence of both.

Pure. The console, the API, the command line and messages all say what `advise` says. The activities' own remedies stand
in their files (`when_stuck`); those of the causes stand here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from tenancy.activities.plan import PLAN
from tenancy.saga.advice import Advice, Remedy
from tenancy.saga.causes import Cause
from tenancy.saga.decide import WAY_ON
from tenancy.saga.loops import ENOUGH
from tenancy.saga.stalls import IN_BETWEEN, Limits, StallKind, Standing, stall_of
from tenancy.saga.states import State, Substate
from tenancy.saga.tenant import OpenStall

_PLATFORM: Final = frozenset({"storage", "engine", "cluster", "ingress", "ledger", "platform"})
"""Systems that are the platform's: their trouble is not the tenant's fault."""
_THE_TENANTS: Final = frozenset(
    {Cause.CLUSTER_IMAGE, Cause.CLUSTER_CRASH, Cause.CLUSTER_QUOTA, Cause.CLUSTER_PROBE, Cause.PLATFORM_FULL}
)
"""Seen in those systems, but of the tenant's plan or workload."""
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
    Cause.STORAGE_BLOCKED: Remedy("Have the session that blocks it ended; the evidence names it."),
    Cause.STORAGE_OVERLOADED: Remedy(
        "Have memory and limits of the storage server looked at; it is out of a resource."
    ),
    Cause.STORAGE_DISK_FULL: Remedy("Have space freed on the storage server.", "escalate"),
    Cause.STORAGE_TEMPLATE_IN_USE: Remedy("Retry: databases are no longer made from template1."),
    Cause.STORAGE_DATABASE_HELD: Remedy("Have what holds the database ended, as the error says; then cancel again."),
    Cause.STORAGE_DROPPING: Remedy("Wait: the server goes on dropping the database; a checkpoint takes long there."),
    Cause.STORAGE_ROLE_IN_USE: Remedy("Have the statement run that the error names, in each database that it names."),
    Cause.STORAGE_COLLATION: Remedy("Have the database's objects reindexed and its collation version refreshed."),
    Cause.STORAGE_PERMISSION: Remedy(
        "Have the statement run that the error, or the platform's health, names.", "escalate"
    ),
    Cause.STORAGE_READ_ONLY: Remedy(
        "If a fail-over takes place, wait for it. Otherwise have the storage connection led to the primary server, or "
        "`alter role <admin> reset default_transaction_read_only` run there."
    ),
    Cause.STORAGE_POOLER: Remedy(
        "Have the storage connection led to PostgreSQL itself, not to a pooler (docs/operations.md).", "escalate"
    ),
    Cause.STORAGE_CREDENTIALS: Remedy(
        "Have the login and password of the storage connection in Airflow corrected, or `alter role <admin> login "
        "password '...'` run on the server, or the server's pg_hba.conf.",
        "escalate",
    ),
    Cause.STORAGE_CONNECTION: Remedy(
        "Have the storage connection in Airflow corrected as the sentence says (docs/operations.md).", "escalate"
    ),
    Cause.STORAGE_BROKEN: Remedy(
        "Have the storage server's log read: PostgreSQL reports a fault of its own.", "escalate"
    ),
    Cause.ENGINE_SCHEDULER_SILENT: Remedy("Escalate: nothing is scheduled until it is back.", "escalate"),
    Cause.ENGINE_TRIGGERER_SILENT: Remedy("Escalate: nothing that waits goes on until it is back.", "escalate"),
    Cause.ENGINE_UNREACHABLE: Remedy("Escalate: the workflow engine has to answer first.", "escalate"),
    Cause.ENGINE_REFUSES: Remedy("Escalate with the engine's own words.", "escalate"),
    Cause.ENGINE_PAUSED: Remedy("Unpause the DAG in Airflow."),
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
NOT_TRANSIENT: Final = (
    "Not transient: it failed twice at the same activity with the same error. Before another retry check the "
    "platform's health, the tenant's plan and region, and quotas."
)
LOOPED: Final = Remedy("Decommission and recreate is cleaner than another retry.", "decommission")
OF_CLASS: Final = "A class issue, not this tenant's ({tenants} tenants): escalate once."
_ESCALATED: Final = "It is in the hands of platform engineering. When they are done:"
GOES_ON: Final = "Nothing: most tenants are active within 30 seconds to 5 minutes; each tick comes by itself."
ONCE_ACTIVE: Final = "Verify that it answers at its address, and have the tenant's admin sign in."
_SLOW: Final = timedelta(minutes=1)


def advise(how: Standing, stall: OpenStall | None, now: datetime, limits: Limits) -> Advice:
    """The next action for a tenant that stands so; `stall` is the one that is recorded."""
    cause = cause_now(how, stall)
    advice = _of_state(how, cause, now, limits)
    if how.class_tenants:
        return _of_class(how, advice)
    fault = cause.system in _PLATFORM and cause not in _THE_TENANTS
    return Advice(advice.said, advice.action, advice.until, not_its_fault=fault)


def _of_class(how: Standing, advice: Advice) -> Advice:
    """Runbook: "escalate to platform engineering as a class issue, not a per-tenant one"."""
    said = f"{OF_CLASS.format(tenants=how.class_tenants)} {advice.said}"
    action = "escalate" if advice.action and not how.escalated else advice.action
    return Advice(said, action, advice.until, not_its_fault=True)


def cause_now(how: Standing, stall: OpenStall | None) -> Cause:
    """Why it does not go on, as far as that is recorded."""
    if how.held:
        return how.held
    if stall:
        return stall.cause
    return how.failure_cause or Cause.UNKNOWN if how.state is State.FAILED else Cause.UNKNOWN


def _of_state(how: Standing, cause: Cause, now: datetime, limits: Limits) -> Advice:
    if how.state is State.PROVISIONING:
        return _of_provisioning(how, cause, now, limits)
    if how.state is State.FAILED and how.substate is not Substate.UNWINDING:
        return _of_failed(how, cause)
    if how.state is State.ACTIVE:
        return _after(how.held, Remedy(ONCE_ACTIVE)) if how.held else Advice(ONCE_ACTIVE)
    if how.state is State.DECOMMISSIONED:
        return Advice(WAY_ON["Decommissioned"], "recreate")
    return _of_undoing(how, cause, now, limits)


def _of_provisioning(how: Standing, cause: Cause, now: datetime, limits: Limits) -> Advice:
    stall = stall_of(how, now, limits)
    if how.held is not None and (stall is None or how.held is not Cause.UNKNOWN):
        return _by(REMEDIES[how.held], Remedy(_HELD))
    if stall is None:
        return _while_in_time(how, now, limits)
    return _after(cause, _when_stuck(how) if stall.kind is StallKind.ACTIVITY else _CANCEL)


def _while_in_time(how: Standing, now: datetime, limits: Limits) -> Advice:
    limit = limits.activities.get(how.activity) if how.activity else None
    if limit is None or now - how.activity_clock <= min(_SLOW, limit / 2):
        return Advice(GOES_ON)
    then = _low(_when_stuck(how).said)
    return Advice(f"Wait: it may take {in_words(limit)}. After that: {then}", until=how.activity_clock + limit)


def _when_stuck(how: Standing) -> Remedy:
    """An old plan may have an activity that PLAN has no more."""
    return next((activity.when_stuck for activity in PLAN if activity.name == how.activity), _CANCEL)


def _of_undoing(how: Standing, cause: Cause, now: datetime, limits: Limits) -> Advice:
    again, limit = _AGAIN[how.state], limits.tenants[IN_BETWEEN]
    if how.held is not None:
        return _by(REMEDIES[how.held], Remedy(_HELD))
    if now < how.state_clock + limit:
        wait = f"Wait: it is undone within {in_words(limit)}. If it is not: {again.said}"
        return Advice(wait, until=how.state_clock + limit)
    return _after(cause, Remedy(f"It has had {in_words(limit)}: {again.said}", again.action))


def _of_failed(how: Standing, cause: Cause) -> Advice:
    assert how.substate is not None  # Failed has one
    way_on = Remedy(WAY_ON[f"Failed {how.substate}"], _NEXT[how.substate])
    if how.escalated:
        return _by(Remedy(f"{_ESCALATED} {_low(way_on.said)}", way_on.action))
    if how.failures >= ENOUGH and how.substate in {Substate.SETTLED, Substate.READY}:
        way_on = LOOPED
    if how.repeats:
        way_on = Remedy(f"{NOT_TRANSIENT} {way_on.said}", way_on.action)
    return _after(cause, way_on)


def _after(cause: Cause, remedy: Remedy) -> Advice:
    """What the cause needs, then what the runbook says."""
    return Advice(" ".join(said for said in (REMEDIES[cause].said, remedy.said) if said), remedy.action)


def _by(*remedies: Remedy) -> Advice:
    """The first that says something."""
    remedy = next(each for each in remedies if each.said)
    return Advice(remedy.said, remedy.action)


_CANCEL: Final = Remedy("Cancel provisioning is the first action: it releases the resources cleanly.", "cancel")
_HELD: Final = "As the sentence says; nothing has to be done to the tenant."
_AGAIN: Final = {
    State.CANCELLING: Remedy("cancel again, then reset.", "cancel"),
    State.FAILED: Remedy("cancel provisioning, which begins anew, then reset.", "cancel"),
    State.DECOMMISSIONING: Remedy("decommission again.", "decommission"),
}
_NEXT: Final = {
    Substate.SETTLED: "reset",
    Substate.RETAINED: "reset",
    Substate.READY: "retry",
    Substate.STUCK: "cancel",
}


def in_words(span: timedelta) -> str:
    """10 minutes; 1 minute 30 s; 4 s."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    whole = f"{minutes} minute{'s' if minutes != 1 else ''}" if minutes else ""
    return " ".join(part for part in (whole, f"{seconds} s" if seconds or not minutes else "") if part)


def _low(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
