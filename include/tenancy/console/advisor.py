"""Advice on a tenant that stalls: what is late, why, and what to do next. Pages and API use the same advice.

The advisor judges the stall from the row's times on every request. So it also finds stalls that nobody records because
the scheduler is down.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from tenancy.activities.advice import advise, cause_now
from tenancy.activities.blocking_reasons import blocking_reasons, is_current
from tenancy.activities.plan import limits
from tenancy.engine.engine_status import SCHEDULER, TRIGGERER, EngineStatus
from tenancy.engine.health.check_results import CheckResult, Condition, Health, System
from tenancy.ledger.tenant_summaries import TenantSummary
from tenancy.saga.advice import Advice
from tenancy.saga.causes import Cause
from tenancy.saga.platform import Platform
from tenancy.saga.stalls import Limits, Stall, stall_of
from tenancy.saga.states import State
from tenancy.saga.system_status import ENGINE, FRESH, SystemStatus, SystemStatuses


@dataclass(frozen=True)
class Advisor:
    """Advice for one platform at one moment; `engine` is its newest known state."""

    platform: Platform
    engine: EngineStatus
    now: datetime
    health: Health = field(default_factory=Health)
    """The newest result of the platform's health checks."""

    @cached_property
    def _limits(self) -> Limits:
        return limits(self.platform)

    def advice(self, summary: TenantSummary) -> Advice:
        """The next action."""
        return advise(summary.standing, summary.stall, self.now, self._limits, self.known(summary))

    def own_advice(self, summary: TenantSummary) -> Advice:
        """The next action for this tenant alone: as if it were neither escalated nor in an incident group."""
        alone = replace(summary.standing, escalated=False, group_tenants=0)
        return advise(alone, summary.stall, self.now, self._limits, self.known(summary))

    def down(self, summary: TenantSummary) -> str:
        """Which system that it needs now is down, as a sentence; empty if none is."""
        reasons = blocking_reasons(summary.standing, summary.stall, self.now, self.known(summary))
        return next((_sentence(each.status) for each in reasons if each.status), "")

    def stall(self, summary: TenantSummary) -> Stall | None:
        """What is over its time limit now."""
        return stall_of(summary.standing, self.now, self._limits)

    def cause(self, summary: TenantSummary) -> Cause:
        """Why the tenant is late, as far as that is known."""
        return cause_now(summary.standing, summary.stall, self.now, self.known(summary))

    def evidence(self, summary: TenantSummary) -> str:
        """The observed obstacle, which is the message that the advice speaks of; empty if nothing was observed yet."""
        recorded, standing = summary.stall, summary.standing
        stalled = recorded.message if recorded and is_current(recorded, standing) else ""
        if recorded and stalled and recorded.cause is not Cause.UNKNOWN:
            return stalled
        is_about_it = self.advice(summary).warning or self.cause(summary) is standing.activity_cause
        return summary.held or (standing.activity_message if is_about_it else "") or stalled

    def checks(self, summary: TenantSummary) -> tuple[CheckResult, ...]:
        """Failing health checks of the systems that this tenant needs, if the runbook asks to check the platform."""
        if not self._is_fresh or summary.state is State.DECOMMISSIONED:
            return ()
        plan = self.platform.plans.get(summary.parameters.plan)
        pool = plan.of(summary.product).workflow_pool if plan else ""
        return self.health.trouble_of(summary.parameters.region, pool=pool)

    def known(self, summary: TenantSummary) -> SystemStatuses:
        """The known status of the systems in its region and of the workflow engine."""
        return self._known_of(summary.parameters.region)

    def _known_of(self, region: str) -> SystemStatuses:
        checks = (self.health.of(system, region) for system in (System.STORAGE, System.CLUSTER, System.INGRESS))
        return SystemStatuses((*self._engine, *(_status(check) for check in checks if check and check.checked_at)))

    @cached_property
    def _engine(self) -> tuple[SystemStatus, ...]:
        """From the engine's own report, which is fetched more often than the health of all systems."""
        engine = self.engine
        if engine.age_seconds is None:
            return ()
        reported_at = self.now - timedelta(seconds=engine.age_seconds)
        if engine.trouble and not engine.is_away:
            return ()  # the report failed for another reason: its status is unknown
        silent = {
            Cause.ENGINE_UNREACHABLE: engine.is_away,
            Cause.ENGINE_SCHEDULER_SILENT: SCHEDULER in engine.silent,
            Cause.ENGINE_TRIGGERER_SILENT: TRIGGERER in engine.silent,
        }
        away = (Cause.ENGINE_UNREACHABLE,) if engine.is_away else tuple(silent)
        return tuple(
            _engine_status(cause, down=silent[cause], sentence=engine.sentence, at=reported_at) for cause in away
        )

    @property
    def _is_fresh(self) -> bool:
        checked_at = self.health.checked_at
        return checked_at is not None and self.now - checked_at <= FRESH


def _engine_status(cause: Cause, *, down: bool, sentence: str, at: datetime) -> SystemStatus:
    condition = Condition.DOWN if down else Condition.OK
    return SystemStatus(ENGINE, "workflow engine", condition, sentence if down else "", at, cause=cause)


def _sentence(status: SystemStatus) -> str:
    return f"The {status.name} is down: {status.sentence}"


def _status(check: CheckResult) -> SystemStatus:
    assert check.checked_at is not None  # the caller skips checks that never ran
    known = check.cause if check.cause is not Cause.UNKNOWN else _CAUSE_WHEN_DOWN[check.system]
    cause = known if check.state is Condition.DOWN else Cause.UNKNOWN
    return SystemStatus(check.system, check.name, check.state, check.sentence, check.checked_at, check.since, cause)


_CAUSE_WHEN_DOWN: Final = {
    System.STORAGE: Cause.STORAGE_UNREACHABLE,
    System.CLUSTER: Cause.CLUSTER_UNREACHABLE,
    System.INGRESS: Cause.INGRESS_SILENT,
}
"""The cause for a tenant when one of these systems is down and its check names no cause."""
