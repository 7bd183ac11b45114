"""Carries out `recover`: asks the API for one step after the other, and prints what each did and why.

The server decides every step and takes it. It can be interrupted and started again at any point.
"""

import json
from typing import Any, Final

from tenantctl.actions import confirmable
from tenantctl.exit_codes import ExitCode, Refused
from tenantctl.paths import tenant_path
from tenantctl.phases import Phase
from tenantctl.polling import Poller
from tenantctl.recovery_step import ACT, DONE, RecoveryStep
from tenantctl.responses import ApiResponse
from tenantctl.session import Session
from tenantctl.tenant import Tenant
from tenantctl.unwinding import UnwindingReporter

SLUG_WHY: Final = "Three attempts did not end Active already; the runbook's advice is decommission + recreate."
DESTROYS_WHY: Final = "It has passed its point of no return: cancelling it destroys a customer's data."
_UNWINDING: Final = frozenset({Phase.CANCELLING, Phase.FAILED_UNWINDING})


def preview_recovery(session: Session, ref: str) -> RecoveryStep:
    """The first step of a recovery that would begin now. Raises Refused if there is nothing to recover."""
    answer = session.api.post(tenant_path(ref, "recover"), {"reason": "dry run"}, dry_run=True)
    return RecoveryStep.of(answer.data)


class Recovery:
    """The recovery of one tenant. `names_tenant`: print the slug with each wait, for several tenants at once."""

    def __init__(
        self,
        session: Session,
        tenant: Tenant,
        *,
        reason: str,
        timeout: float,
        confirm: str = "",
        names_tenant: bool = False,
    ) -> None:
        self._session = session
        self.done: list[str] = []
        """The actions that it took."""
        self._tenant = tenant
        self._body: dict[str, Any] = {"reason": reason, "tenant_id": tenant.id}
        if confirm:
            self._body["confirm_slug"] = confirm
        self._names_tenant = names_tenant
        self._poller = Poller(session, timeout)
        self._reporter = UnwindingReporter(session)
        self._reported_wait = ""
        self._warned: set[str] = set()
        """Warnings that were printed; each answer repeats them."""

    def run(self) -> ExitCode:
        """Take step after step until the tenant is Active, or a person has to decide."""
        while not (step := self.step()).has_ended:
            self.pause(step)
        return self._finish(step)

    def step(self) -> RecoveryStep:
        """Have the server take the next step."""
        step = RecoveryStep.of(self._poller.poll(self._ask).data)
        self._body["began_at"] = step.began_at
        if step.kind == ACT:
            self._report_action(step)
        elif not step.has_ended:
            self._report_wait(step)
        return step

    def pause(self, step: RecoveryStep) -> None:
        """Wait until it is time to ask again. TimedOut when the time is over."""
        self._poller.pause(step.retry_after, f"{step.tenant.slug} is {step.tenant.phase}. {step.why}")

    def check_timeout(self, step: RecoveryStep) -> None:
        """TimedOut when the time is over. It does not wait."""
        self._poller.pause(0.0, f"{step.tenant.slug} is {step.tenant.phase}. {step.why}")

    def _ask(self) -> ApiResponse:
        """One request. If the server wants the slug typed after all, the operator is asked for it."""
        path = tenant_path(self._tenant.id, "recover")
        try:
            return self._session.api.post(path, self._body)
        except Refused as refusal:
            if refusal.field != "confirm_slug" or self._body.get("confirm_slug"):
                raise
            command = confirmable("recover", self._tenant, self._body["reason"])
            typed = self._session.require_typed_slug(None, self._tenant, refusal.sentence, command)
            self._body["confirm_slug"] = typed
            return self._session.api.post(path, self._body)

    def _report_action(self, step: RecoveryStep) -> None:
        self.done.append(step.action)
        self._reported_wait = ""
        self._session.print_line(f"→ {step.action} {step.tenant.slug}: {step.why}", "bold")
        self._session.print_line(f"  {step.message or 'Done.'}")
        for warning in step.warnings:
            if warning not in self._warned:
                self._session.warn(f"! {warning}")
            self._warned.add(warning)

    def _report_wait(self, step: RecoveryStep) -> None:
        if step.why != self._reported_wait:
            named = f"{step.tenant.slug}: " if self._names_tenant else ""
            self._session.print_line(f"… {named}{step.why}", "dim")
        self._reported_wait = step.why
        if step.tenant.phase in _UNWINDING:
            self._reporter.report(step.tenant)

    def _finish(self, step: RecoveryStep) -> ExitCode:
        if self._session.json:
            self._session.write_json(json.dumps(step.document))
        return report_end(self._session, step)


def report_end(session: Session, step: RecoveryStep) -> ExitCode:
    """Print how the recovery ended: DONE if the tenant is Active, else FAILED."""
    if step.kind == DONE:
        session.print_line(step.why, "green")
        return ExitCode.DONE
    session.warn(f"tenantctl: {step.tenant.slug}: {step.why}")
    return ExitCode.FAILED
