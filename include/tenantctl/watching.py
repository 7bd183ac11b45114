"""`watch`: the timeline, live, until the tenant rests. A terminal gets a pane, a pipe one line a change."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.live import Live
from rich.text import Text

from tenantctl import pane
from tenantctl.answers import Answer
from tenantctl.client import tenant_path
from tenantctl.exits import Exit
from tenantctl.session import Session
from tenantctl.tenant import Tenant
from tenantctl.text import harmless
from tenantctl.waiting import Patience

Json = Mapping[str, Any]
Show = Callable[[Tenant, Json], None]


def follow(session: Session, ref: str, timeout: float) -> Exit:
    """DONE when the tenant ends Active or Decommissioned, FAILED when it ends Failed; Late when neither in time."""
    screen = _Screen(session)
    with screen.lit:
        answer = _until_rest(session, ref, Patience(session, timeout, screen.tell), screen.show)
    tenant = Tenant.of(answer.data)
    if session.json:
        session.give_raw(answer.text)
    elif tenant.next_action and tenant.phase.startswith("Failed"):
        session.say(f"Next: {tenant.next_action}")
    return Exit.FAILED if tenant.phase.startswith("Failed") else Exit.DONE


def _until_rest(session: Session, ref: str, patience: Patience, show: Show) -> Answer:
    # By its id from here on: a slug may be another tenant's by the next look.
    known = str(patience.look(lambda: session.tenant(ref)).data.get("id") or ref)
    while True:
        answer, timeline = patience.look(lambda: _look(session, known))
        tenant = Tenant.of(answer.data)
        show(tenant, pane.newest(timeline.data))
        if not tenant.moves:
            return answer
        patience.pause(still=f"{tenant.slug} is {tenant.phase}. {tenant.next_action}")


def _look(session: Session, ref: str) -> tuple[Answer, Answer]:
    """The timeline last: of a tenant that rests, it then shows all that happened."""
    return session.tenant(ref), session.api.get(tenant_path(ref, "timeline"))


class _Screen:
    """A pane on a terminal, lines elsewhere; what is said meanwhile stands above the pane and does not tear it."""

    def __init__(self, session: Session) -> None:
        self.lit: AbstractContextManager[object] = nullcontext()
        self.show: Show = Lines(session).show
        self.tell = session.warn
        if session.world.out.is_terminal and not session.json:
            self._light(session)

    def _light(self, session: Session) -> None:
        drawing, live = pane.Pane(), Live(console=session.world.out, refresh_per_second=8, vertical_overflow="visible")
        self.lit = live
        self.show = lambda tenant, attempt: live.update(drawing.draw(tenant, attempt))
        self.tell = lambda words: live.console.print(Text(harmless(words), style="yellow"))


class Lines:
    """For pipes and logs: one line whenever a row or the tenant's phase changed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._before: Json = {}
        self._phase = ""

    def show(self, tenant: Tenant, attempt: Json) -> None:
        """Say what is new."""
        new = list(pane.changes(self._before, attempt))
        if not self._before and tenant.phase != self._phase:
            self._say_headline(tenant)
        for row in new:
            self._session.say(f"  {pane.line(row)}")
        self._before = attempt
        if tenant.phase != self._phase:
            self._say_headline(tenant)

    def _say_headline(self, tenant: Tenant) -> None:
        self._phase = tenant.phase
        self._session.say(pane.headline(tenant))
