"""Carries out `--wait` of cancel and decommission: prints the unwinding's progress until the tenant is at rest."""

from typing import Final

from tenantctl.exit_codes import ExitCode
from tenantctl.phases import Phase
from tenantctl.polling import Poller
from tenantctl.responses import ApiResponse
from tenantctl.session import Session
from tenantctl.tenant import Tenant, UnwindingProgress
from tenantctl.text import format_duration
from tenantctl.unwinding_progress import progress_line

_CLEAN: Final = frozenset({Phase.FAILED_SETTLED, Phase.FAILED_READY, Phase.DECOMMISSIONED})


def wait_for_unwinding(session: Session, ref: str, timeout: float) -> ExitCode:
    """DONE when nothing is left, FAILED when a resource could not be released; TimedOut when it takes too long."""
    answer = _await_rest(session, ref, timeout)
    tenant = Tenant.of(answer.data)
    if session.json:
        session.write_json(answer.text)
    if tenant.phase in _CLEAN:
        session.print_line(f"{tenant.slug} is {tenant.phase}: nothing is left. {tenant.next_action}", "green")
        return ExitCode.DONE
    session.warn(f"{tenant.slug} is {tenant.phase}. {tenant.next_action}")
    return ExitCode.FAILED


def _await_rest(session: Session, ref: str, timeout: float) -> ApiResponse:
    poller, reporter = Poller(session, timeout), UnwindingReporter(session)
    while True:
        answer = poller.poll(lambda: session.fetch_tenant(ref))
        tenant = Tenant.of(answer.data)
        reporter.report(tenant)
        if not tenant.is_in_motion:
            return answer
        poller.pause(status=f"{tenant.slug} is {tenant.phase}. {tenant.next_action}")


class UnwindingReporter:
    """Prints the progress of an unwinding whenever it changes, with the elapsed time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._began = session.environment.clock()
        self._reported: tuple[str, UnwindingProgress] | None = None

    def report(self, tenant: Tenant) -> bool:
        """Print the progress if it has changed, and return whether it has."""
        current = (tenant.phase, tenant.progress)
        if current == self._reported:
            return False
        self._reported = current
        elapsed = format_duration(self._session.environment.clock() - self._began)
        self._session.print_line(f"{elapsed:>8}  {tenant.phase}: {progress_line(tenant.progress)}")
        return True
