"""`recover`, carried out: does what `recovering.next_step` decides, and says why before each step.

It can be stopped and started again at any point: the next one decides from the tenant as it is then.
"""

from typing import Final

from tenantctl.answers import Answer
from tenantctl.client import tenant_path
from tenantctl.exits import Away, Exit, Misuse, Refused
from tenantctl.recovering import Act, Course, Stop, Wait, next_step
from tenantctl.session import Session
from tenantctl.settling import Teller
from tenantctl.tenant import Tenant
from tenantctl.text import in_words
from tenantctl.waiting import Patience

_REFUSALS: Final = 5
"""So often the API may say "not yet" to one step; then something else is wrong."""
SLUG_WHY: Final = "It failed three times already; the runbook's advice is decommission + recreate."


class Recovery:
    """One tenant's recovery. The slug is typed before anything is undone, if a retry will want it."""

    def __init__(self, session: Session, tenant: Tenant, *, reason: str, confirm: str, timeout: float) -> None:
        self._session = session
        self._ref = tenant.id or tenant.slug
        self._reason = reason
        self._confirm = confirm
        self._patience = Patience(session, timeout)
        self._teller = Teller(session)
        self._course = Course.begin(tenant)
        self._refusals = 0
        self._changed_at = session.world.clock()
        self._waits_for = ""

    def run(self) -> Exit:
        """Step by step until Active, or until a sentence says why not."""
        while True:
            answer = self._patience.look(lambda: self._session.tenant(self._ref))
            tenant = Tenant.of(answer.data)
            match next_step(tenant, self._course, self._quiet_seconds(tenant)):
                case Stop() as stop:
                    return self._stop(stop, answer)
                case Wait(what):
                    self._tell_wait(what)
                    self._patience.pause(still=f"{tenant.slug} is {tenant.phase}: {what}.")
                case Act() as act:
                    self._act(act, tenant)

    def _quiet_seconds(self, tenant: Tenant) -> float:
        unwinding = tenant.phase in {"Cancelling", "Failed unwinding"}
        if not unwinding or self._teller.tell(tenant):
            self._changed_at = self._session.world.clock()
        return self._session.world.clock() - self._changed_at

    def _tell_wait(self, what: str) -> None:
        if what != self._waits_for:
            self._session.say(f"… {what}", "dim")
        self._waits_for = what

    def _act(self, act: Act, tenant: Tenant) -> None:
        self._session.say(f"→ {act.action} {tenant.slug}: {act.why}.", "bold")
        try:
            answer = self._session.api.post(tenant_path(self._ref, act.action), self._body(act, tenant))
        except Refused as refusal:
            self._wait_out(refusal, tenant)
        except Away as away:  # it may have been done: look again before anything else
            self._session.warn(away.sentence)
            self._patience.pause(float(away.retry_after or 1), away.sentence)
        else:
            self._refusals = 0
            self._course = self._course.after(act.action, tenant)
            self._changed_at, self._waits_for = self._session.world.clock(), ""
            self._tell(answer)

    def _body(self, act: Act, tenant: Tenant) -> dict[str, str]:
        body = {"reason": self._reason}
        if act.action == "retry" and (self._confirm or tenant.retry_wants_slug):
            self._confirm = self._session.typed_slug(self._confirm, tenant.slug, SLUG_WHY)
            body["confirm_slug"] = self._confirm
        return body

    def _wait_out(self, refusal: Refused, tenant: Tenant) -> None:
        """Wait if that helps. If a colleague was quicker than we were, there is something else to decide now."""
        self._refusals += 1
        if refusal.field == "confirm_slug":
            raise Misuse(refusal.sentence, field=refusal.field, body=refusal.body) from refusal
        if self._refusals > _REFUSALS:
            raise refusal
        now = Tenant.of(self._patience.look(lambda: self._session.tenant(self._ref)).data)
        if (now.phase, now.attempt) != (tenant.phase, tenant.attempt):
            self._session.warn(f"{tenant.slug} is {now.phase} by now: somebody else is at it.")
        elif refusal.retry_after is None:
            raise refusal
        else:
            self._session.warn(f"{refusal.sentence} Waiting {in_words(refusal.retry_after)}.")
            self._patience.pause(float(refusal.retry_after), refusal.sentence)

    def _tell(self, answer: Answer) -> None:
        self._session.say(f"  {answer.data.get('said') or 'Done.'}")
        for warning in answer.data.get("warnings") or ():
            self._session.warn(f"! {warning}")

    def _stop(self, stop: Stop, answer: Answer) -> Exit:
        if self._session.json:
            self._session.give_raw(answer.text)
        if stop.code is Exit.DONE:
            self._session.say(stop.said, "green")
        else:
            self._session.warn(f"tenantctl: {stop.said}")
        return stop.code
