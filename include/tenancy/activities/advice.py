"""Advice: the next action for a tenant, from its status, its stall and the health of the systems it needs. Pure.

Console, API, command line and notifications all show what `advise` returns. Each activity has its own remedy
(`Activity.stuck_remedy`, from the runbook's table); those of causes are in remedies.py.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from tenancy.activities.blocking_reasons import (
    COVERED_BY_HEALTH_CHECKS,
    Reason,
    blocking_reasons,
    find_recovered_hold,
    find_recovered_system,
    is_current,
)
from tenancy.activities.registry import find_activity, label_of
from tenancy.activities.remedies import REMEDIES
from tenancy.saga.advice import Advice, Remedy
from tenancy.saga.causes import Cause
from tenancy.saga.decide import ESCALATE_IF_RESTORED, KEEP_IF_RESTORED, KEEP_RESOURCES, NEXT_STEPS
from tenancy.saga.retry_loops import ATTEMPTS_BEFORE_RECREATE
from tenancy.saga.stalls import UNWINDING_LIMIT, Limits, StallKind, TenantStatus, stall_of
from tenancy.saga.states import Phase, State, Substate
from tenancy.saga.system_status import ENGINE, NO_STATUSES, SystemStatus, SystemStatuses
from tenancy.saga.tenant import OpenStall

_PLATFORM_SYSTEMS: Final = frozenset({"storage", "engine", "cluster", "ingress", "ledger", "platform"})
"""The platform's systems: a fault of theirs is not the tenant's fault."""
_TENANT_CAUSES: Final = frozenset(
    {
        Cause.STORAGE_ROLE_CHANGED,
        Cause.CLUSTER_IMAGE,
        Cause.CLUSTER_CRASH,
        Cause.CLUSTER_QUOTA,
        Cause.CLUSTER_PROBE,
        Cause.CLUSTER_JOB,
        Cause.PLATFORM_FULL,
    }
)
"""Causes in those systems that come from the tenant's own plan, workload or doing."""
_ENDED_BY_CANCEL: Final = frozenset({Cause.LOCK_HELD})
"""Causes in those systems that a Cancel ends: it evicts the process that holds the tenant's lock."""
NOT_TRANSIENT: Final = (
    "Not transient: it failed twice at the same activity with the same error. Before another retry check the "
    "platform's health, the tenant's plan and region, and quotas."
)
RECREATE_ADVICE: Final = Remedy("Decommission and recreate is cleaner than another retry.", "decommission")
_GROUP: Final = "A class issue, not this tenant's ({tenants} tenants)"
GROUP_ADVICE: Final = f"{_GROUP}: escalate once."
_ESCALATED: Final = "Escalated to platform engineering. When they are done:"
_WAIT_FOR_PLATFORM: Final = Remedy("Escalated to platform engineering: ask them before you change this tenant.")
IN_PROGRESS_ADVICE: Final = "Wait: most tenants are active within 30 seconds to 5 minutes, and nothing has to be done."
VERIFY_ADVICE: Final = "Verify that it answers at its address and that the tenant's admin has signed in."
_SLOW: Final = timedelta(minutes=1)
_NEXT_TRY: Final = timedelta(minutes=2)
"""A held tenant is tried again within this time (orchestration/retry_policies.py: MAX_PLATFORM_DELAY)."""


@dataclass(frozen=True)
class _View:
    """One tenant at one moment, and what blocks it."""

    tenant: TenantStatus
    stall: OpenStall | None
    now: datetime
    limits: Limits
    statuses: SystemStatuses

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        return blocking_reasons(self.tenant, self.stall, self.now, self.statuses)

    @property
    def engine(self) -> Reason | None:
        """Why the workflow engine does not proceed with it."""
        return next((each for each in self.reasons if each.cause.system == ENGINE), None)

    @property
    def recovered_hold(self) -> SystemStatus | None:
        """The system because of which it is held, if that is healthy since and nothing else blocks it."""
        recovered = find_recovered_hold(self.tenant, self.now, self.statuses)
        return recovered if recovered and recovered.system != ENGINE and not self.faults else None

    @property
    def faults(self) -> tuple[Reason, ...]:
        """What blocks it, without systems that were found healthy since."""
        return tuple(each for each in self.reasons if not each.healthy)

    @property
    def is_held(self) -> bool:
        """Is its run held, as far as is known?"""
        held = self.tenant.held
        return held is Cause.UNKNOWN or (held is not None and any(each.cause is held for each in self.faults))

    @property
    def own(self) -> tuple[Reason, ...]:
        """What blocks it besides the workflow engine."""
        return tuple(each for each in self.reasons if each.cause.system != ENGINE)

    @property
    def has_platform_fault(self) -> bool:
        """Does a fault of the platform block it? A Cancel repairs nothing then, and needs the same systems."""
        causes = {each.cause for each in self.faults} - _ENDED_BY_CANCEL
        return any(map(_is_platform_fault, causes))


def advise(
    tenant: TenantStatus, stall: OpenStall | None, now: datetime, limits: Limits, statuses: SystemStatuses = NO_STATUSES
) -> Advice:
    """The next action for a tenant. `stall`: the recorded one; `statuses`: the newest health of the platform's
    systems."""
    view = _View(tenant, stall, now, limits, statuses)
    advice = _of_state(view)
    if tenant.group_tenants:
        return _of_class(tenant, advice)
    return replace(advice, not_its_fault=_is_platform_fault(_fault_now(view)))


def _fault_now(view: _View) -> Cause:
    """The cause, unless its system has been found healthy since."""
    cause = cause_now(view.tenant, view.stall, view.now, view.statuses)
    return cause if cause in {each.cause for each in view.faults} else Cause.UNKNOWN


def _is_platform_fault(cause: Cause) -> bool:
    return cause.system in _PLATFORM_SYSTEMS and cause not in _TENANT_CAUSES


def _of_class(tenant: TenantStatus, advice: Advice) -> Advice:
    """The runbook (docs/operating/runbook.md, step 6): escalate an incident group once, not each tenant."""
    of_class = f"{_GROUP}." if tenant.escalated else GROUP_ADVICE
    sentence = f"{of_class.format(tenants=tenant.group_tenants)} {advice.sentence}"
    action = "escalate" if advice.action and not tenant.escalated else advice.action
    return replace(advice, sentence=sentence, action=action, not_its_fault=True)


def cause_now(
    tenant: TenantStatus, stall: OpenStall | None, now: datetime, statuses: SystemStatuses = NO_STATUSES
) -> Cause:
    """Why it does not proceed, or why its last attempt failed; unknown if no recorded cause still holds."""
    if _is_at_rest(tenant):
        recorded = stall.cause if stall and is_current(stall, tenant) else Cause.UNKNOWN
        failure = Cause.UNKNOWN if tenant.cancelled else tenant.failure_cause or Cause.UNKNOWN
        if recorded is not Cause.UNKNOWN or failure is not Cause.UNKNOWN:
            return recorded if recorded is not Cause.UNKNOWN else failure
    return next((each.cause for each in blocking_reasons(tenant, stall, now, statuses)), Cause.UNKNOWN)


def _of_state(view: _View) -> Advice:
    tenant = view.tenant
    if tenant.state is State.PROVISIONING:
        return _of_provisioning(view)
    if _is_at_rest(tenant):
        return _of_failed(view)
    if tenant.state is State.ACTIVE:
        return _of_active(view)
    if tenant.state is State.DECOMMISSIONED:
        return Advice(NEXT_STEPS[Phase.DECOMMISSIONED], "recreate")
    return _of_undoing(view)


def _of_provisioning(view: _View) -> Advice:
    tenant = view.tenant
    stall = stall_of(tenant, view.now, view.limits)
    if view.engine:
        return _of_engine(view, view.engine)
    if view.recovered_hold:
        return _of_recovered_hold(view, view.recovered_hold, _when_stuck(view))
    if view.is_held and (stall is None or tenant.held is not Cause.UNKNOWN):
        return _of_held(view)
    if stall is None:
        return _while_in_time(view)
    if stall.kind is StallKind.PROVISIONING and _has_just_begun(view):
        return _wait_for_what_began(view)
    over_time = _when_stuck(view) if stall.kind is StallKind.ACTIVITY else _stop(view)
    return _combine(tenant, *map(_remedy, view.own), over_time)


def _of_held(view: _View) -> Advice:
    """It continues by itself once the hold is over; nothing has to be done to the tenant."""
    assert view.tenant.held is not None  # it is held
    return _combine(view.tenant, _or_held(REMEDIES[view.tenant.held]))


def _of_recovered_hold(view: _View, system: SystemStatus, otherwise: Remedy) -> Advice:
    """The hold ends with the next try. What to do if it does not: the hold's remedy, if a health check cannot tell."""
    held = next((REMEDIES[each.cause] for each in view.reasons if each.healthy), otherwise)
    then = _lower_first(_combine(view.tenant, held).sentence)
    found = f"It was held because of the {system.name}, whose health check finds it healthy now."
    wait = f"Wait: the next try, within {format_duration(_NEXT_TRY)}, continues it."
    return Advice(f"{found} {wait} If it does not: {then}")


def _of_engine(view: _View, engine: Reason) -> Advice:
    """The engine has to work first. What blocks the activity itself is added."""
    beside = (Remedy(_for(view.tenant, _remedy(each)).sentence) for each in view.own[:1])
    return _combine(view.tenant, *beside, _or_held(REMEDIES[engine.cause]))


def _or_held(remedy: Remedy) -> Remedy:
    return remedy if remedy.sentence else Remedy(_HELD)


def _while_in_time(view: _View) -> Advice:
    tenant, limit = view.tenant, view.limits.activities.get(view.tenant.activity) if view.tenant.activity else None
    if limit is None or not (view.own or view.now - tenant.activity_clock > min(_SLOW, limit / 2)):
        return Advice(IN_PROGRESS_ADVICE)
    then = _lower_first(_combine(tenant, _when_stuck(view)).sentence)
    found = " ".join(_for(tenant, _remedy(each)).sentence for each in view.own)
    sentence = f"{found} Wait: it may take {format_duration(limit)}. After that: {then}".strip()
    return Advice(sentence, until=tenant.activity_clock + limit, warning=bool(view.own))


def _has_just_begun(view: _View) -> bool:
    return view.now - view.tenant.activity_clock <= _grace(view)


def _grace(view: _View) -> timedelta:
    limit = view.limits.activities.get(view.tenant.activity) if view.tenant.activity else None
    return min(_SLOW, limit / 2) if limit else _SLOW


def _wait_for_what_began(view: _View) -> Advice:
    """The previous activity's cause does not apply to this one, and a Cancel would release what may be ready soon."""
    label = label_of(view.tenant.activity or "")
    grace = _grace(view)
    sentence = (
        f"Wait: {label} has just begun. If it is not done within {format_duration(grace)}: "
        f"{_lower_first(_combine(view.tenant, _stop(view)).sentence)}"
    )
    return Advice(sentence, until=view.tenant.activity_clock + grace)


def _stop(view: _View) -> Remedy:
    """How to end an attempt that does not proceed. It is not to be ended because of a fault of the platform."""
    if view.has_platform_fault:
        return _REPAIR_FIRST
    return _KEEP if view.tenant.past_no_return else _CANCEL


def _when_stuck(view: _View) -> Remedy:
    """The activity's remedy; Cancel for one that is not installed any more."""
    tenant = view.tenant
    if tenant.past_no_return or view.has_platform_fault:
        return _stop(view)
    activity = find_activity(tenant.activity or "")
    return activity.stuck_remedy if activity else _CANCEL


def _of_undoing(view: _View) -> Advice:
    tenant, limit = view.tenant, view.limits.tenants[UNWINDING_LIMIT]
    if view.engine:
        return _of_engine(view, view.engine)
    if view.recovered_hold:
        return _of_recovered_hold(view, view.recovered_hold, _when_not_undone(view))
    if view.is_held:
        return _of_held(view)
    found, then = tuple(_for(tenant, _remedy(each)) for each in view.own), _for(tenant, _when_not_undone(view))
    if view.now < tenant.state_clock + limit:
        wait = f"Wait: it is undone within {format_duration(limit)}. If it is not: {then.sentence}"
        advice = _combine(tenant, *(Remedy(each.sentence) for each in found), Remedy(wait))
        return replace(advice, until=tenant.state_clock + limit, warning=bool(found))
    return _combine(
        tenant, *found, Remedy(f"It is not undone after {format_duration(limit)}: {then.sentence}", then.action)
    )


def _when_not_undone(view: _View) -> Remedy:
    """The next try; while the platform is at fault, it would end like the one before."""
    next_try = _AGAIN[view.tenant.state]
    if not view.has_platform_fault:
        return next_try
    return Remedy(
        f"{_REPAIRED_FIRST}, so escalate. {_AFTER_REPAIR} {next_try.sentence}",
        "escalate",
        f"{_REPAIRED_FIRST}. {_AFTER_REPAIR} {next_try.sentence}",
    )


def _of_active(view: _View) -> Advice:
    found = tuple(map(_remedy, view.reasons))
    verify = Remedy(f"Then: {_lower_first(VERIFY_ADVICE)}" if found else VERIFY_ADVICE)
    return replace(_combine(view.tenant, *found, verify), warning=bool(found))


def _of_failed(view: _View) -> Advice:
    tenant = view.tenant
    assert tenant.substate is not None  # Failed has one
    next_step = _next_step(tenant)
    down = [each for each in view.reasons if each.status]
    if down:
        found = " ".join(_for(tenant, _remedy(each)).sentence for each in down)
        return Advice(f"{found} Then: {_lower_first(next_step.sentence)}", warning=True)
    recovered = (
        find_recovered_system(tenant, view.now, view.statuses)
        if tenant.failure_cause and not tenant.cancelled
        else None
    )
    if recovered:
        found = f"It failed because of the {recovered.name}, whose health check finds it healthy now."
        return Advice(f"{found} {next_step.sentence}", next_step.action)
    return _combine(tenant, *(_remedy_of_failure(each) for each in view.reasons), next_step)


def _remedy_of_failure(reason: Reason) -> Remedy:
    """If health checks do not cover the cause completely, the operator has to check the system first."""
    if reason.healthy:
        return Remedy(f"A health check finds the {reason.healthy.name} healthy now.")
    if reason.cause in COVERED_BY_HEALTH_CHECKS:
        return Remedy(f"Check first that the {reason.cause.system} is healthy: it was not when the attempt failed.")
    return _remedy(reason)


def _next_step(tenant: TenantStatus) -> Remedy:
    next_step = Remedy(NEXT_STEPS[Phase.of(tenant.state, tenant.substate)], _NEXT[tenant.substate or Substate.SETTLED])
    if tenant.cancelled and tenant.substate is Substate.SETTLED:
        next_step = Remedy(f"{next_step.sentence} {_NOT_WANTED}", next_step.action)
    kept = tenant.past_no_return  # then it is no cleaner: a decommission destroys a customer's data
    if kept and tenant.substate is Substate.STUCK:
        next_step = Remedy(ESCALATE_IF_RESTORED, "escalate", KEEP_IF_RESTORED)
    if (
        max(tenant.failures, tenant.attempt) >= ATTEMPTS_BEFORE_RECREATE
        and tenant.substate in {Substate.SETTLED, Substate.READY}
        and not kept
    ):
        next_step = RECREATE_ADVICE
    next_step = _for(tenant, next_step)
    if tenant.error_repeated and not tenant.cancelled:
        next_step = Remedy(f"{NOT_TRANSIENT} {next_step.sentence}", next_step.action)
    if not tenant.escalated:
        return next_step
    return Remedy(f"{_ESCALATED} {_lower_first(next_step.sentence)}", next_step.action)


def _remedy(reason: Reason) -> Remedy:
    """The cause's remedy. If its system is down now, also which one, since when, and its own sentence."""
    remedy, status = REMEDIES[reason.cause], reason.status
    if reason.healthy:
        return _if_not_healthy(reason.healthy, remedy)
    if status is None or reason.cause.system == ENGINE:
        return remedy
    since = f" since {status.since:%H:%M:%S} UTC" if status.since else ""
    found = f"The {status.name} is down{since}: {status.sentence}"
    once_escalated = None if remedy.once_escalated is None else f"{found} {remedy.once_escalated}".strip()
    return Remedy(f"{found} {remedy.sentence}".strip(), remedy.action, once_escalated)


def _if_not_healthy(system: SystemStatus, remedy: Remedy) -> Remedy:
    """For a cause that the health check covers only partly."""
    found = f"A health check finds the {system.name} healthy now. If the tenant does not continue:"
    return Remedy(f"{found} {_lower_first(remedy.sentence)}")


def _combine(tenant: TenantStatus, *remedies: Remedy) -> Advice:
    """The remedies' sentences in order, with the last one's action. An escalated tenant is not escalated again."""
    kept = [_keeping(tenant, _for(tenant, each)) for each in remedies]
    if tenant.escalated and not _is_at_rest(tenant):  # at rest, its next step says so
        kept.append(_WAIT_FOR_PLATFORM)
    return Advice(" ".join(each.sentence for each in kept if each.sentence), kept[-1].action)


def _for(tenant: TenantStatus, remedy: Remedy) -> Remedy:
    """The remedy as this tenant needs it: the reason remains when it is escalated already."""
    if not tenant.escalated or remedy.action != "escalate":
        return remedy
    return Remedy(remedy.sentence if remedy.once_escalated is None else remedy.once_escalated)


def _is_at_rest(tenant: TenantStatus) -> bool:
    return tenant.state is State.FAILED and tenant.substate is not Substate.UNWINDING


_CANCEL: Final = Remedy("Cancel provisioning is the first action: it releases the resources cleanly.", "cancel")
_REPAIRED_FIRST: Final = "the platform must be repaired first"
_AFTER_REPAIR: Final = "If it is not undone by itself after that:"
_REPAIR_FIRST: Final = Remedy(
    f"Do not cancel the tenant: {_REPAIRED_FIRST}, so escalate.",
    "escalate",
    f"Do not cancel the tenant: {_REPAIRED_FIRST}.",
)
_HELD: Final = "Do what the message says. Nothing has to be done to the tenant."
_NOT_WANTED: Final = "Or decommission it, if it is no longer wanted."
_KEEP: Final = Remedy(KEEP_RESOURCES)
_AGAIN: Final = {
    State.CANCELLING: Remedy("cancel again, then reset.", "cancel"),
    State.FAILED: Remedy("cancel provisioning, which starts the compensations again, then reset.", "cancel"),
    State.DECOMMISSIONING: Remedy("decommission again.", "decommission"),
}
_NEXT: Final = {
    Substate.SETTLED: "reset",
    Substate.RETAINED: "reset",
    Substate.READY: "retry",
    Substate.STUCK: "cancel",
}


def format_duration(span: timedelta) -> str:
    """10 minutes; 1 minute 30 s; 4 s."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    whole = f"{minutes} minute{'s' if minutes != 1 else ''}" if minutes else ""
    return " ".join(part for part in (whole, f"{seconds} s" if seconds or not minutes else "") if part)


def _keeping(tenant: TenantStatus, remedy: Remedy) -> Remedy:
    """Replace advice that would destroy a customer's data."""
    destroys = remedy.action == "cancel" and tenant.past_no_return and tenant.state is State.PROVISIONING
    return _KEEP if destroys else remedy


def _lower_first(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
