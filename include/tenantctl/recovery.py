"""`recover`, carried out: does what `recovering.next_step` decides, and says why before each step.

It can be stopped and started again at any point: the next one decides from the tenant as it is then.
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
"""So often the API may say "not yet" to one step; then something else is wrong."""
SLUG_WHY: Final = "Three attempts did not end Active already; the runbook's advice is decommission + recreate."
DESTROYS_WHY: Final = "It has passed its point of no return: cancelling it destroys a customer's data."


@dataclass(frozen=True)
class Pause:
    """Look again after so many seconds; `status` is what is so meanwhile."""

    seconds: float = 0.0
    status: str = ""


class Recovery:
    """One tenant's recovery. The slug is typed before anything is undone, if a retry will want it.

    With a `key` no step is done twice, whoever else recovers the same tenants by that key; a `course` is one that was
    begun before.
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
        """What was asked for, and accepted."""
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
        """Warnings that were printed: each answer repeats them."""

    def run(self) -> ExitCode:
        """Step by step until Active, or until a sentence says why not."""
        while True:
            match self.step():
                case Stop() as stop:
                    return self._finish(stop)
                case Pause() as pause:
                    self.pause(pause)

    def step(self) -> Stop | Pause:
        """One look, and the one thing that is to be done now."""
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
        """TimedOut when the time is over."""
        if pause.seconds:
            self._poller.pause(pause.seconds, pause.status)

    def check_timeout(self, pause: Pause) -> None:
        """TimedOut likewise, for whoever has other things to do meanwhile."""
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
        except Unavailable as away:  # it may have been done: look again before anything else
            self._session.warn(away.sentence)
            return Pause(float(away.retry_after or 1), away.sentence)
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
        """Wait if that helps. If a colleague was quicker than we were, there is something else to decide now."""
        self._refusals += 1
        if refusal.field == "confirm_slug":
            raise UsageError(refusal.sentence, field=refusal.field, body=refusal.body) from refusal
        if self._refusals > _REFUSALS:
            raise refusal
        now = Tenant.of(self._poller.poll(lambda: self._session.fetch_tenant(self._ref)).data)
        if (now.phase, now.attempt) != (tenant.phase, tenant.attempt) or refusal.field == "seen":
            self._session.warn(f"{tenant.slug} is {now.phase} by now: somebody else is at it.")
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
