"""Carries out `watch`: shows the timeline live until the tenant is at rest."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from tenantctl import timeline_view
from tenantctl.drawing import Line
from tenantctl.exit_codes import ExitCode
from tenantctl.paths import tenant_path
from tenantctl.polling import Poller
from tenantctl.responses import ApiResponse
from tenantctl.session import Session
from tenantctl.tenant import Tenant

Json = Mapping[str, Any]
Show = Callable[[Tenant, Json], None]


def watch_tenant(session: Session, ref: str, timeout: float) -> ExitCode:
    """DONE when the tenant ends Active or Decommissioned, FAILED when it ends Failed; TimedOut when neither."""
    screen = _Screen(session)
    with screen.lit:
        answer = _follow_until_rest(session, ref, Poller(session, timeout, screen.notify), screen.show)
    tenant = Tenant.of(answer.data)
    if session.json:
        session.write_json(answer.text)
    elif tenant.next_action and tenant.has_failed:
        session.print_line(f"Next: {tenant.next_action}")
    return ExitCode.FAILED if tenant.has_failed else ExitCode.DONE


def _follow_until_rest(session: Session, ref: str, poller: Poller, show: Show) -> ApiResponse:
    # By its id from here on: another tenant may get the slug meanwhile.
    known = str(poller.poll(lambda: session.fetch_tenant(ref)).data.get("id") or ref)
    while True:
        answer, timeline = poller.poll(lambda: _fetch(session, known))
        tenant = Tenant.of(answer.data)
        show(tenant, timeline_view.latest_attempt(timeline.data))
        if not tenant.is_in_motion:
            return answer
        poller.pause(status=f"{tenant.slug} is {tenant.phase}. {tenant.next_action}")


def _fetch(session: Session, ref: str) -> tuple[ApiResponse, ApiResponse]:
    """The tenant first, then its timeline: so the timeline of a tenant at rest is complete."""
    return session.fetch_tenant(ref), session.api.get(tenant_path(ref, "timeline"))


class _Screen:
    """A live pane on a terminal, lines elsewhere. Messages are printed above the pane."""

    def __init__(self, session: Session) -> None:
        self.lit: AbstractContextManager[object] = nullcontext()
        self.show: Show = LineReporter(session).show
        self.notify = session.warn
        if session.environment.stdout_is_terminal and not session.json:
            self._light(session)

    def _light(self, session: Session) -> None:
        from tenantctl.timeline_pane import TimelinePane, live_on

        pane, live = TimelinePane(), live_on(session.environment.out)
        self.lit = live
        self.show = lambda tenant, attempt: live.update(pane.draw(tenant, attempt))
        self.notify = lambda words: session.environment.show([Line(words, "yellow")])


class LineReporter:
    """For pipes and logs: one line for each change of a row or of the tenant's phase."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._previous: Json = {}
        self._phase = ""

    def show(self, tenant: Tenant, attempt: Json) -> None:
        """Print what has changed."""
        new = list(timeline_view.changed_rows(self._previous, attempt))
        if not self._previous and tenant.phase != self._phase:
            self._say_headline(tenant)
        for row in new:
            self._session.print_line(f"  {timeline_view.format_row(row)}")
        self._previous = attempt
        if tenant.phase != self._phase:
            self._say_headline(tenant)

    def _say_headline(self, tenant: Tenant) -> None:
        self._phase = tenant.phase
        self._session.print_line(timeline_view.headline(tenant))
