"""Carries out `recover`: does what `recovery_policy.next_step` decides, and prints the reason before each step.

It can be interrupted and started again at any point, because each step depends on the tenant's present state only.
"""

from dataclasses import dataclass
from typing import Any, Final

from tenantctl.exit_codes import ExitCode, Refused, Unavailable, UsageError
from tenantctl.paths import tenant_path
from tenantctl.phases import Phase
from tenantctl.polling import POLL_SECONDS, Poller
from tenantctl.recovery_policy import RecoveryHistory, Stop, TakeAction, Wait, next_step
from tenantctl.responses import ApiResponse
from tenantctl.session import Session
from tenantctl.tenant import Tenant
from tenantctl.text import duration_in_words
from tenantctl.unwinding import UnwindingReporter

_REFUSALS: Final = 5
"""After so many refusals of one step something else is wrong."""
SLUG_WHY: Final = "Three attempts did not end Active already; the runbook's advice is decommission + recreate."
DESTROYS_WHY: Final = "It has passed its point of no return: cancelling it destroys a customer's data."


@dataclass(frozen=True)
class Pause:
    """Fetch the tenant again after so many seconds. `status` is a sentence about the present state."""

    seconds: float = 0.0
    status: str = ""


class Recovery:
    """The recovery of one tenant. If a retry will need the typed slug, it is asked for before anything is cancelled.

    With a `key` two recoveries with the same key do no step twice. `history` continues an earlier recovery.
    """

    def __init__(
        self,
        session: Session,
        tenant: Tenant,
        *,
        reason: str,
        timeout: float,
        confirm: str = "",
        key: str = "",
        history: RecoveryHistory | None = None,
    ) -> None:
        self._session = session
        self._key = key
        self.done: list[str] = []
        """The actions that were accepted."""
        self._ref = tenant.id or tenant.slug
        self._reason = reason
        self._confirm = confirm
        self._poller = Poller(session, timeout)
        self._reporter = UnwindingReporter(session)
        self._history = history or RecoveryHistory.start(tenant)
        self._refusals = 0
        self._changed_at = session.environment.clock()
        self._reported_wait = ""
        self._warned: set[str] = set()
        """Warnings that were printed; each answer repeats them."""

    def run(self) -> ExitCode:
        """Recover step by step, until the tenant is Active or a step says why it cannot be."""
        while True:
            match self.step():
                case Stop() as stop:
                    return self._finish(stop)
                case Pause() as pause:
                    self.pause(pause)

    def step(self) -> Stop | Pause:
        """Fetch the tenant and do the one step that it needs now."""
        self._latest = self._poller.poll(lambda: self._session.fetch_tenant(self._ref))
        tenant = Tenant.of(self._latest.data)
        match next_step(tenant, self._history, self._quiet_seconds(tenant)):
            case Stop() as stop:
                return stop
            case Wait(what):
                self._report_wait(what, tenant)
                return Pause(POLL_SECONDS, f"{tenant.slug} is {tenant.phase}: {what}.")
            case TakeAction() as act:
                return self._take_action(act, tenant)

    def pause(self, pause: Pause) -> None:
        """Wait. TimedOut when the time is over."""
        if pause.seconds:
            self._poller.pause(pause.seconds, pause.status)

    def check_timeout(self, pause: Pause) -> None:
        """TimedOut when the time is over. It does not wait."""
        self._poller.pause(0.0, pause.status)

    def _quiet_seconds(self, tenant: Tenant) -> float:
        unwinding = tenant.phase in {Phase.CANCELLING, Phase.FAILED_UNWINDING}
        if not unwinding or self._reporter.report(tenant):
            self._changed_at = self._session.environment.clock()
        return self._session.environment.clock() - self._changed_at

    def _report_wait(self, what: str, tenant: Tenant) -> None:
        if what != self._reported_wait:
            self._session.print_line(f"… {tenant.slug}: {what}" if self._key else f"… {what}", "dim")
        self._reported_wait = what

    def _take_action(self, act: TakeAction, tenant: Tenant) -> Pause:
        self._session.print_line(f"→ {act.action} {tenant.slug}: {act.why}.", "bold")
        path = tenant_path(self._ref, act.action)
        key = self._key and f"{self._key}-{self._ref}-{act.action}-{tenant.seq}"
        try:
            answer = self._session.api.post(path, self._body(act, tenant), key=key)
        except Refused as refusal:
            return self._wait_after_refusal(refusal, tenant)
        except Unavailable as error:  # the action may have been done: fetch the tenant first
            self._session.warn(error.sentence)
            return Pause(float(error.retry_after or 1), error.sentence)
        self._refusals = 0
        self._history = self._history.with_action(act.action, tenant)
        self._changed_at, self._reported_wait = self._session.environment.clock(), ""
        self.done.append(act.action)
        self._report(answer)
        return Pause()

    def _body(self, act: TakeAction, tenant: Tenant) -> dict[str, Any]:
        body: dict[str, Any] = {"reason": self._reason, "tenant_id": tenant.id}
        if self._key:
            body["seen"] = tenant.seq
        wants_slug = tenant.retry_wants_slug if act.action == "retry" else tenant.cancel_wants_slug
        if act.action != "reset" and (self._confirm or wants_slug):
            why = SLUG_WHY if act.action == "retry" else DESTROYS_WHY
            self._confirm = self._session.require_typed_slug(self._confirm, tenant.slug, why)
            body["confirm_slug"] = self._confirm
        return body

    def _wait_after_refusal(self, refusal: Refused, tenant: Tenant) -> Pause:
        """Wait if that helps. If somebody else changed the tenant meanwhile, decide again at once."""
        self._refusals += 1
        if refusal.field == "confirm_slug":
            raise UsageError(refusal.sentence, field=refusal.field, body=refusal.body) from refusal
        if self._refusals > _REFUSALS:
            raise refusal
        now = Tenant.of(self._poller.poll(lambda: self._session.fetch_tenant(self._ref)).data)
        if (now.phase, now.attempt) != (tenant.phase, tenant.attempt) or refusal.field == "seen":
            self._session.warn(f"{tenant.slug} is {now.phase} by now: somebody else has changed it.")
            return Pause()
        if refusal.retry_after is None:
            raise refusal
        self._session.warn(f"{refusal.sentence} Waiting {duration_in_words(refusal.retry_after)}.")
        return Pause(float(refusal.retry_after), refusal.sentence)

    def _report(self, answer: ApiResponse) -> None:
        self._session.print_line(f"  {answer.data.get('said') or 'Done.'}")
        for warning in answer.data.get("warnings") or ():
            if warning not in self._warned:
                self._session.warn(f"! {warning}")
            self._warned.add(warning)

    def _finish(self, stop: Stop) -> ExitCode:
        if self._session.json:
            self._session.write_json(self._latest.text)
        if stop.code is ExitCode.DONE:
            self._session.print_line(stop.message, "green")
        else:
            self._session.warn(f"tenantctl: {stop.message}")
        return stop.code
