"""Unwinding: releases all resources of a tenant in reverse order, observes that they are gone, then settles it.

A Cancel, a Decommission or a failure starts an unwinding; the unwinding compensates each activity, which releases the
resources that the activity made.

Called by the compensation DAG (orchestration/compensation_operator.py); after a Cancel or a Decommission by nothing
else. After a failure, the failure callback calls it first (failure.py), and the DAG does what is left. The reconciler
does not call it: it starts that DAG's missing runs.

Idempotent. It works in rounds: one try for each live resource, then the next round, within a time budget for each
outside system (budgets.py). Before each try it checks that this generation is still the newest. A failed compensation
is recorded and does not stop the others. Only recorded resources count; the present platform file does not matter.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from tenancy.activities import registry
from tenancy.activities.activity import Activity
from tenancy.activities.context import ActivityContext, Observation
from tenancy.activities.registry import find_activity, maker_of
from tenancy.engine.recovery.budgets import SystemBudgets
from tenancy.engine.recovery.late_effects import earliest_settling, pending_requests
from tenancy.engine.recovery.release_order import blocker_of, release_order
from tenancy.engine.tenancy import (
    Tenancy,
    activities_to_observe,
    may_evict_for,
    message_of,
    record_eviction,
    unwinder_name,
)
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga import commands as c
from tenancy.saga.causes import UNREACHABLE
from tenancy.saga.errors import PermanentError, PlatformError, Refused, Stopped, TransientError, cause_in
from tenancy.saga.names import ActivityName, TenantId
from tenancy.saga.systems import LOST_SYSTEM, is_lost
from tenancy.saga.tenant import Resource, Saga

_SURVEYS = 2
"""Observe, release what was found, observe again. What then still exists needs a person."""

_OUT_OF_TIME = (
    "The last try did not end within its time limit: a system accepts requests but does not answer. The log of the "
    "compensation run in Airflow shows its last step."
)


def unwind(tenancy: Tenancy, tenant_id: TenantId, generation: int, *, stamp: Stamp, last_try: bool) -> Saga:
    """Unwind the tenant for this generation: Failed settled, or Decommissioned, afterwards.

    Raises TransientError if something could not be released, if another process unwinds it, or if time ran out; call
    again to continue. On the last try, what fails makes the tenant Failed stuck instead. Raises Refused if the tenant
    is not to be unwound.
    """
    application = unwinder_name(generation, stamp.lease or stamp.actor)
    with tenancy.ledger.open(application) as ledger:
        # Checked before the lock: a process of an older generation must not wait for it, nor evict its holder.
        ledger.record(tenant_id, c.CheckUnwinding(generation), stamp=stamp)
        patience, evictable = tenancy.timings.lock_patience, may_evict_for(generation)
        with ledger.hold_lock(tenant_id, patience_seconds=patience, may_evict=evictable) as evicted:
            for holder in evicted:
                record_eviction(ledger, tenant_id, "the ledger", holder, stamp)
            deadline = tenancy.monotonic() + tenancy.timings.unwind_limit
            budgets = SystemBudgets(tenancy.timings.system_budget, tenancy.monotonic)
            unwinding = _Unwinding(tenancy, ledger, tenant_id, generation, stamp, application, deadline, budgets)
            return unwinding.run_last() if last_try else unwinding.run()


def ran_out_of_time(tenancy: Tenancy, tenant_id: TenantId, generation: int, *, stamp: Stamp) -> Saga:
    """Record that the last try hit its time limit: Failed stuck, unless the platform is at fault. Raises Refused."""
    with tenancy.ledger.open(unwinder_name(generation, stamp.lease or stamp.actor)) as ledger:
        return ledger.record(tenant_id, c.ExhaustUnwinding(generation, _OUT_OF_TIME), stamp=stamp)


@dataclass(frozen=True)
class _Unwinding:
    tenancy: Tenancy
    ledger: LedgerSession
    tenant_id: TenantId
    generation: int
    stamp: Stamp
    application: str
    deadline: float
    budgets: SystemBudgets
    late: list[datetime] = field(default_factory=list)
    """Until when a request of an ended process may still take effect."""
    failed: set[tuple[str, str]] = field(default_factory=set)
    """The resources whose last compensation in this pass failed."""

    def run_last(self) -> Saga:
        """The last try: what is left, or cannot be observed, makes the tenant stuck, for a person to decide.

        Not if nothing of what is left has failed in this try: then its turn did not come, for example because its
        system responded only at the end of its time. The next compensation run continues, and their number is limited.
        """
        try:
            return self.run()
        except (Refused, Stopped):  # superseded, or the worker is shutting down: the tenant is not stuck
            raise
        except Exception as error:
            if _is_of_platform(error):  # not stuck: unwinding continues once the platform is repaired
                return self._record(c.RecordHold(message_of(error), cause_in(error), platform=True))
            left = {_key(resource) for resource in self._saga().live_resources}
            if left and not left & self.failed:
                raise
            return self._record(c.ExhaustUnwinding(self.generation, message_of(error)))

    def run(self) -> Saga:
        # Checked again: a newer Cancel may have come while this process waited for the lock.
        saga = self._record(c.CheckUnwinding(self.generation))
        self._find_late_effects()
        self._release(saga.live_resources)
        self._observe_again()
        self._require_nothing_left()
        return self._record(c.Settle(self.generation))

    # -- releasing, round by round

    def _release(self, resources: Collection[Resource]) -> None:
        """Try each resource once in a round. A resource that is blocked by another has its turn in the next round."""
        keys = {_key(resource) for resource in resources}
        for number in range(self.tenancy.timings.compensation_tries):
            may_try = self.budgets.may_try_again if number else self.budgets.left
            live = [resource for resource in self._saga().live_resources if _key(resource) in keys]
            triable = [resource for resource in release_order(live) if may_try(_system_of(resource))]
            if not triable:
                return
            if number:
                self.tenancy.sleep(self.tenancy.timings.compensation_backoff * 2 ** (number - 1))
            for resource in triable:
                self._try(resource)

    def _try(self, resource: Resource) -> None:
        if blocker_of(resource, self._saga().live_resources):
            return  # the other resource's failure is recorded; this one's would only be its consequence
        self._require_time()
        with self.budgets.spending(_system_of(resource)) as seconds:
            if seconds:
                self._compensate(resource, seconds)

    def _compensate(self, resource: Resource, seconds: float) -> None:
        self._record(c.ReleaseResource(self.generation, resource.kind, resource.name))
        try:
            platform = self.tenancy.platform
            if is_lost(resource.system, platform.replaced_systems):
                self._record(c.ReportSystemReplaced(resource.kind, resource.name, LOST_SYSTEM, platform.source))
            else:
                # The activity that made it, e.g. activities/allocate_storage.py drops the database.
                maker_of(resource, self._saga().product).compensate(self._context(seconds), resource)
        except (Refused, Stopped):
            raise
        except Exception as error:  # noqa: BLE001 - one failure must not keep the other resources from being released
            self._report(resource, error)
        else:
            self._record(c.ConfirmReleased(self.generation, resource.kind, resource.name))
            self.failed.discard(_key(resource))

    def _report(self, resource: Resource, error: Exception) -> None:
        failure = c.ReportCompensationFailure(
            self.generation,
            resource.kind,
            resource.name,
            type(error).__name__,
            message_of(error),
            cause_in(error),
            _is_of_platform(error),
        )
        self._record(failure)
        self.failed.add(_key(resource))
        if isinstance(error, TransientError) and error.retry_after:
            self.budgets.leave_alone(_system_of(resource), error.retry_after)

    # -- observing everything once more

    def _observe_again(self) -> None:
        """Observe everything. An error here is ignored if resources are left: those are the more useful message."""
        left = self._saga().live_resources
        if not all(self.budgets.may_try_again(_system_of(resource)) for resource in left):
            return  # this pass cannot settle it, and that system's budget is used up
        try:
            self._survey_until_gone()
        except (TransientError, PermanentError, PlatformError):
            if not self._saga().live_resources:
                raise

    def _survey_until_gone(self) -> None:
        found: list[Observation] = []
        for _ in range(_SURVEYS):
            found = self._survey()
            if not found:
                return
        names = ", ".join(f"{each.kind} {each.name}" for each in found)
        raise TransientError(
            f"Released resources exist again: {names}. Find out what creates them, or whether what should remove them "
            "does nothing. The unwinding is not complete."
        )

    def _survey(self) -> list[Observation]:
        """Observe everything after waiting for late effects, and release what exists. Returns what existed."""
        if not self._saga().resources:
            return []
        self.tenancy.sleep(self._grace())
        self.late.clear()
        observations, errors = self._observe_all()
        self._release([self._reconciled(observation) for observation in observations])
        if errors:
            raise errors[0]
        return [observation for observation in observations if observation.present]

    def _observe_all(self) -> tuple[list[Observation], list[Exception]]:
        """The observations of all activities, and the errors of those that could not observe."""
        observations: list[Observation] = []
        errors: list[Exception] = []
        for maker in activities_to_observe(self._saga(), self.tenancy.platform):
            self._require_time()
            try:
                observations += self._observe(maker, self.tenancy.timings.system_budget)
            except (TransientError, PermanentError, PlatformError) as error:
                errors.append(error)
        return observations, errors

    def _observe(self, maker: Activity, seconds: float) -> tuple[Observation, ...]:
        with self.budgets.spending(maker.system):
            return maker.observe(self._context(seconds))

    def _grace(self) -> float:
        """Seconds to wait: longer if a system may still carry out the request of a process that has ended."""
        left = ((until - self.ledger.now).total_seconds() for until in self.late)
        return max((self.tenancy.timings.grace, *left))

    def _find_late_effects(self) -> None:
        """Must run before anything is released: a resource that exists now is not about to be created."""
        seconds = {activity.name: activity.late_seconds for activity in registry.installed()}
        pending = pending_requests(self.ledger.envelopes(self.tenant_id), seconds, self.ledger.now)
        until = earliest_settling(pending, self._made({each.activity for each in pending}))
        self.late.extend([until] if until else [])

    def _made(self, names: Collection[ActivityName]) -> frozenset[ActivityName]:
        """Of these activities, those whose late resources all exist. One that cannot be observed counts as pending."""
        made = set()
        for activity in (activity for activity in registry.installed() if activity.name in names):
            with suppress(TransientError, PermanentError, PlatformError):
                observations = self._observe(activity, self.tenancy.timings.system_budget / 4)
                present = {observation.kind for observation in observations if observation.present}
                late = activity.late_effect_resources or activity.resources
                made |= {activity.name} if present.issuperset(late) else set()
        return frozenset(made)

    def _reconciled(self, observation: Observation) -> Resource:
        """The observed resource. If it exists although it was released, it becomes live again, to be released again."""
        kind, name = observation.kind, observation.name
        saga = self._record(c.ReportFoundAgain(self.generation, kind, name)) if observation.present else self._saga()
        return next(resource for resource in saga.resources if _key(resource) == (kind, name))

    def _require_nothing_left(self) -> None:
        saga = self._saga()
        if saga.live_resources:
            left = ", ".join(f"{resource.kind} {resource.name}" for resource in saga.live_resources)
            unfinished = TransientError(f"Not undone yet: {left}; the error log says why.")
            unfinished.retry_after = self.budgets.longest_wait
            raise unfinished

    def _require_time(self) -> None:
        if self.tenancy.monotonic() > self.deadline:
            limit = self.tenancy.timings.unwind_limit
            raise TransientError(f"Unwinding did not end within {limit:.0f} s; it continues where it stopped.")

    def _saga(self) -> Saga:
        saga = self.ledger.saga(self.tenant_id)
        assert saga is not None  # it was there when unwinding began
        return saga

    def _record(self, command: c.Command) -> Saga:
        return self.ledger.record(self.tenant_id, command, stamp=self.stamp)

    def _context(self, seconds: float) -> ActivityContext:
        return self.tenancy.activity_context(
            self.ledger,
            self._saga(),
            application=self.application,
            stamp=self.stamp,
            fence_command=c.CheckUnwinding(self.generation),
            may_evict=may_evict_for(self.generation),
            seconds=seconds,
        )


def _is_of_platform(error: Exception) -> bool:
    """Is it the platform's fault? For unwinding, a system that does not respond is: no person can do more than wait."""
    return isinstance(error, PlatformError) or cause_in(error) in UNREACHABLE


def _key(resource: Resource) -> tuple[str, str]:
    return resource.kind, resource.name


def _system_of(resource: Resource) -> str:
    """What has a budget of its own: the systems of one tenant are all of one region."""
    maker = find_activity(resource.activity)
    return (maker and maker.system) or str(resource.activity)
