"""`recover --class`, carried out: one tenant first, then a few at a time, until all are Active or the first one is not.

It can be stopped and started again: who is Active by then, or was retried already, is left as it is.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tenantctl.exit_codes import ExitCode, TenantctlError
from tenantctl.group_plan import PlannedRecovery, canary_first
from tenantctl.phases import Phase
from tenantctl.polling import POLL_SECONDS
from tenantctl.recovery import Pause, Recovery
from tenantctl.recovery_policy import Stop
from tenantctl.session import Session

RECOVERED, FAILED, UNDER_WAY, SKIPPED, NOT_BEGUN = "recovered", "failed", "left under way", "skipped", "not begun"


@dataclass
class TenantRecovery:
    """One tenant while it is recovered."""

    planned: PlannedRecovery
    recovery: Recovery | None = None
    """None until its turn has come."""
    due_at: float = 0.0
    outcome: str = NOT_BEGUN
    message: str = ""
    code: ExitCode = ExitCode.DONE

    @property
    def report(self) -> dict[str, Any]:
        """What the report has of it."""
        tenant = self.planned.tenant
        about = {"id": tenant.id, "slug": tenant.slug}
        did = list(self.recovery.done) if self.recovery else []
        return {**about, "outcome": self.outcome, "did": did, "said": self.message}

    def end(self, outcome: str, message: str, code: ExitCode = ExitCode.DONE) -> None:
        """Nothing more is done about it."""
        self.outcome, self.message, self.code = outcome, message, code


@dataclass
class GroupRecovery:
    """A class's recovery. `at_once`: how many are under way at the same time, after the first one."""

    session: Session
    class_id: int
    cases: list[PlannedRecovery]
    reason: str
    at_once: int
    timeout: float
    tenant_recoveries: list[TenantRecovery] = field(default_factory=list)

    def run(self) -> ExitCode:
        """DONE when all are Active; else how the first one ended that is not."""
        self.tenant_recoveries = [TenantRecovery(planned) for planned in canary_first(self.cases)]
        if self._run_all(self.tenant_recoveries[:1], at_once=1):
            self._run_all(self.tenant_recoveries[1:], at_once=self.at_once)
        skipped = any(planned.history is None and planned.tenant.phase != Phase.ACTIVE for planned in self.cases)
        worst = max((tenant_recovery.code for tenant_recovery in self.tenant_recoveries), default=ExitCode.DONE)
        return worst or (ExitCode.FAILED if skipped else ExitCode.DONE)

    @property
    def report(self) -> list[dict[str, Any]]:
        """The report: every tenant, and what became of it."""
        skipped = [planned for planned in self.cases if planned.history is None]
        skipped_reports = [
            {"id": each.tenant.id, "slug": each.tenant.slug, "outcome": SKIPPED, "did": [], "said": each.why}
            for each in skipped
        ]
        return [*(tenant_recovery.report for tenant_recovery in self.tenant_recoveries), *skipped_reports]

    def _run_all(self, tenant_recoveries: Iterable[TenantRecovery], *, at_once: int) -> bool:
        """Are all of them Active? After a failure nobody else is begun, and nothing more is done to the others."""
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
        """Its time begins now. Whatever ends us leaves it under way."""
        planned, key = tenant_recovery.planned, f"class-{self.class_id}"
        tenant_recovery.recovery = Recovery(
            self.session, planned.tenant, reason=self.reason, timeout=self.timeout, key=key, history=planned.history
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
        match recovery.step():
            case Pause() as pause:
                tenant_recovery.due_at = self.session.environment.clock() + pause.seconds
                recovery.check_timeout(pause)
            case Stop() as stop:
                tenant_recovery.end(RECOVERED if stop.code is ExitCode.DONE else FAILED, stop.message, stop.code)

    def _report_outcome(self, tenant_recovery: TenantRecovery) -> None:
        if tenant_recovery.outcome == RECOVERED:
            self.session.print_line(tenant_recovery.message, "green")
        else:
            self.session.warn(f"tenantctl: {tenant_recovery.message}")

    def _leave_unfinished(self, active: Iterable[TenantRecovery]) -> None:
        for tenant_recovery in active:
            if tenant_recovery.outcome == UNDER_WAY:
                tenant_recovery.message = "It was under way when another one failed; what was begun goes on without us."

    def _sleep(self, active: list[TenantRecovery]) -> None:
        if active:
            soonest = min(tenant_recovery.due_at for tenant_recovery in active) - self.session.environment.clock()
            if soonest > 0:
                self.session.environment.sleep(min(soonest, POLL_SECONDS))
