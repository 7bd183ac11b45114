"""`--wait` of cancel and decommission: the three facts of the unwinding, told whenever they change, until it rests."""

from typing import Final

from tenantctl.answers import Answer
from tenantctl.cards import in_short
from tenantctl.exits import Exit
from tenantctl.session import Session
from tenantctl.tenant import Progress, Tenant
from tenantctl.text import duration
from tenantctl.waiting import Patience

_CLEAN: Final = frozenset({"Failed settled", "Failed ready", "Decommissioned"})


def settle(session: Session, ref: str, timeout: float) -> Exit:
    """DONE when nothing is left, FAILED when something could not be undone; Late when it takes too long."""
    answer = _await_rest(session, ref, timeout)
    tenant = Tenant.of(answer.data)
    if session.json:
        session.give_raw(answer.text)
    if tenant.phase in _CLEAN:
        session.say(f"{tenant.slug} is {tenant.phase}: nothing is left. {tenant.next_action}", "green")
        return Exit.DONE
    session.warn(f"{tenant.slug} is {tenant.phase}. {tenant.next_action}")
    return Exit.FAILED


def _await_rest(session: Session, ref: str, timeout: float) -> Answer:
    patience, teller = Patience(session, timeout), Teller(session)
    while True:
        answer = patience.look(lambda: session.tenant(ref))
        tenant = Tenant.of(answer.data)
        teller.tell(tenant)
        if not tenant.moves:
            return answer
        patience.pause(still=f"{tenant.slug} is {tenant.phase}. {tenant.next_action}")


class Teller:
    """Says the three facts when they are not as they were, each time with how long it has taken."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._began = session.world.clock()
        self._told: tuple[str, Progress] | None = None

    def tell(self, tenant: Tenant) -> bool:
        """Were they different?"""
        seen = (tenant.phase, tenant.progress)
        if seen == self._told:
            return False
        self._told = seen
        elapsed = duration(self._session.world.clock() - self._began)
        self._session.say(f"{elapsed:>8}  {tenant.phase}: {in_short(tenant.progress)}")
        return True
