"""Carries out `recover --class`: one tenant first, then a few at a time, until all are Active or one fails.

It can be interrupted and started again: it skips tenants that are Active, and waits for attempts that run.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tenantctl.exit_codes import ExitCode, TenantctlError
from tenantctl.group_plan import PlannedRecovery, canary_first
from tenantctl.phases import Phase
from tenantctl.polling import POLL_SECONDS
from tenantctl.recovery import Recovery
from tenantctl.recovery_step import DONE
from tenantctl.session import Session

RECOVERED, FAILED, UNDER_WAY, SKIPPED, NOT_BEGUN = "recovered", "failed", "left under way", "skipped", "not begun"


@dataclass
class TenantRecovery:
    """The recovery of one tenant of the group."""

    planned: PlannedRecovery
    recovery: Recovery | None = None
    """None until it begins."""
    due_at: float = 0.0
    outcome: str = NOT_BEGUN
    message: str = ""
    code: ExitCode = ExitCode.DONE

    @property
    def report(self) -> dict[str, Any]:
        """Its entry in the report."""
        tenant = self.planned.tenant
        about = {"id": tenant.id, "slug": tenant.slug}
        did = list(self.recovery.done) if self.recovery else []
        return {**about, "outcome": self.outcome, "did": did, "said": self.message}

    def end(self, outcome: str, message: str, code: ExitCode = ExitCode.DONE) -> None:
        """End the recovery of this tenant."""
        self.outcome, self.message, self.code = outcome, message, code


@dataclass
class GroupRecovery:
    """The recovery of an incident group. After the first tenant, `at_once` recoveries run at the same time."""

    session: Session
    planned_recoveries: list[PlannedRecovery]
    reason: str
    at_once: int
    timeout: float
    tenant_recoveries: list[TenantRecovery] = field(default_factory=list)

    def run(self) -> ExitCode:
        """DONE when all are Active, else the highest exit code of a tenant."""
        self.tenant_recoveries = [TenantRecovery(planned) for planned in canary_first(self.planned_recoveries)]
        if self._run_all(self.tenant_recoveries[:1], at_once=1):
            self._run_all(self.tenant_recoveries[1:], at_once=self.at_once)
        skipped = any(
            not planned.begins and planned.tenant.phase != Phase.ACTIVE for planned in self.planned_recoveries
        )
        worst = max((tenant_recovery.code for tenant_recovery in self.tenant_recoveries), default=ExitCode.DONE)
        return worst or (ExitCode.FAILED if skipped else ExitCode.DONE)

    @property
    def report(self) -> list[dict[str, Any]]:
        """The report: every tenant and its outcome."""
        skipped = [planned for planned in self.planned_recoveries if not planned.begins]
        skipped_reports = [
            {"id": each.tenant.id, "slug": each.tenant.slug, "outcome": SKIPPED, "did": [], "said": each.why}
            for each in skipped
        ]
        return [*(tenant_recovery.report for tenant_recovery in self.tenant_recoveries), *skipped_reports]

    def _run_all(self, tenant_recoveries: Iterable[TenantRecovery], *, at_once: int) -> bool:
        """Whether all became Active. After a failure no other recovery begins, and those under way are left alone."""
        waiting, active = deque(tenant_recoveries), list[TenantRecovery]()
        while waiting or active:
            while waiting and len(active) < at_once:
                active.append(self._begin(waiting.popleft()))
            for tenant_recovery in active:
                self._advance(tenant_recovery)
            if any(tenant_recovery.outcome == FAILED for tenant_recovery in active):
                self._leave_unfinished(active)
                return False
            active = [tenant_recovery for tenant_recovery in active if tenant_recovery.outcome == UNDER_WAY]
            self._sleep(active)
        return True

    def _begin(self, tenant_recovery: TenantRecovery) -> TenantRecovery:
        """Begin this recovery. Its timeout starts now."""
        tenant = tenant_recovery.planned.tenant
        tenant_recovery.recovery = Recovery(
            self.session, tenant, reason=self.reason, timeout=self.timeout, names_tenant=True
        )
        tenant_recovery.outcome = UNDER_WAY
        return tenant_recovery

    def _advance(self, tenant_recovery: TenantRecovery) -> None:
        if tenant_recovery.recovery is None or tenant_recovery.due_at > self.session.environment.clock():
            return
        try:
            self._step(tenant_recovery, tenant_recovery.recovery)
        except TenantctlError as error:
            tenant_recovery.end(FAILED, error.sentence, error.code)
        if tenant_recovery.outcome != UNDER_WAY:
            self._report_outcome(tenant_recovery)

    def _step(self, tenant_recovery: TenantRecovery, recovery: Recovery) -> None:
        step = recovery.step()
        if step.has_ended:
            done = step.kind == DONE
            message = step.why if done else f"{step.tenant.slug}: {step.why}"
            tenant_recovery.end(RECOVERED if done else FAILED, message, ExitCode.DONE if done else ExitCode.FAILED)
            return
        tenant_recovery.due_at = self.session.environment.clock() + step.retry_after
        recovery.check_timeout(step)

    def _report_outcome(self, tenant_recovery: TenantRecovery) -> None:
        if tenant_recovery.outcome == RECOVERED:
            self.session.print_line(tenant_recovery.message, "green")
        else:
            self.session.warn(f"tenantctl: {tenant_recovery.message}")

    def _leave_unfinished(self, active: Iterable[TenantRecovery]) -> None:
        for tenant_recovery in active:
            if tenant_recovery.outcome == UNDER_WAY:
                tenant_recovery.message = (
                    "It was under way when another recovery failed. A step that has begun continues."
                )

    def _sleep(self, active: list[TenantRecovery]) -> None:
        if active:
            soonest = min(tenant_recovery.due_at for tenant_recovery in active) - self.session.environment.clock()
            if soonest > 0:
                self.session.environment.sleep(min(soonest, POLL_SECONDS))
