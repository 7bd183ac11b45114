"""`python -m sandbox demo`: starts the sandbox, provisions a tenant with the real DAG and shows its timeline live.

It triggers the run by the REST API, as an operator would, and reads the ledger, as the console does.
"""

import signal
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx
from psycopg.conninfo import conninfo_to_dict
from rich.console import Console
from rich.live import Live

from sandbox import demo_summary, lifecycle, status
from sandbox.access import Access
from sandbox.layout import Layout
from sandbox.problems import SandboxError
from sandbox.progress import ProgressReporter
from sandbox.timeline_view import TimelineView, headline, line
from tenancy.activities.registry import installed
from tenancy.adapters.dsn import Dsn
from tenancy.adapters.platform_file import parse_platform
from tenancy.bootstrap import install_container_activities
from tenancy.ledger.envelope import Envelope
from tenancy.ledger.ledger import Ledger, LedgerSession
from tenancy.ledger.timeline import RowStatus, Timeline, build_timelines
from tenancy.saga.errors import TenancyError
from tenancy.saga.evolve import fold
from tenancy.saga.facts import RequestRefused
from tenancy.saga.names import PLATFORM_STREAM, RunId, TenantId
from tenancy.saga.states import Phase, State
from tenancy.saga.tenant import Saga

DAG: Final = "tenant_provisioning"
POLL_SECONDS: Final = 0.1
_RESTING_PHASES: Final = frozenset(
    {Phase.ACTIVE, Phase.FAILED_SETTLED, Phase.FAILED_RETAINED, Phase.FAILED_STUCK, Phase.FAILED_READY}
)
TIMEOUT_SECONDS: Final = 600.0


@dataclass(frozen=True)
class Request:
    """What to provision, and whether to stay up afterwards."""

    slug: str
    name: str
    plan: str
    region: str
    admin_email: str
    wait: bool = True


def run(request: Request, layout: Layout, console: Console) -> int:
    """Returns 0 when the tenant is Active, else 1. Ctrl-C stops what this call started."""
    was_up = layout.home.is_dir() and status.all_healthy(status.read_status(layout))
    with _stopped_on_interrupt(layout, console, ours=not was_up):
        lifecycle.up(layout, progress=ProgressReporter(console))
        install_container_activities()  # those of the products, for the timeline
        saga = _provision(request, Access(layout), console)
        console.print(demo_summary.text(layout, slug=request.slug, host=_host(saga, layout)), markup=True)
        if request.wait and not was_up:
            _stay_up(layout, console)
    return 0 if saga.state is State.ACTIVE else 1


@contextmanager
def _stopped_on_interrupt(layout: Layout, console: Console, *, ours: bool) -> Iterator[None]:
    """Ctrl-C stops what this call started and nothing else."""
    try:
        yield
    except KeyboardInterrupt:
        if not ours:
            raise
        _stop(layout, console)
        raise


def _stay_up(layout: Layout, console: Console) -> None:
    console.print("The sandbox stays up. Ctrl-C stops it; its data stays.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        _stop(layout, console)


def _stop(layout: Layout, console: Console) -> None:
    console.print()
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave half of it running
    lifecycle.down(layout, progress=ProgressReporter(console))
    signal.signal(signal.SIGINT, previous)
    console.print("Stopped. `make demo` starts it again with all its tenants; `make purge` forgets them.")


def _provision(request: Request, access: Access, console: Console) -> Saga:
    try:
        with ledger_of(access).open("tenancy demo") as ledger:
            tenant_id = ledger.tenant_of_slug(request.slug)
            if tenant_id is not None:
                return _show_existing(ledger, tenant_id, console)
            run_id = _trigger(request, access)
            return _watch(ledger, RunId(run_id), access, console)
    except TenancyError as error:
        raise SandboxError(str(error)) from error


def _host(saga: Saga, layout: Layout) -> str:
    """The tenant's host name; "" when it has no workloads that could answer."""
    deployed = any(entry.activity == "deploy_workloads" for entry in saga.current_attempt.plan)
    if not deployed or saga.state is not State.ACTIVE:
        return ""
    offer = parse_platform(
        tomllib.loads(layout.platform_file.read_text(encoding="utf-8")), [activity.name for activity in installed()]
    )
    return f"{saga.parameters.slug}.{offer.regions[saga.parameters.region].ingress_domain}"


def ledger_of(access: Access) -> Ledger:
    """The sandbox's ledger."""
    info = conninfo_to_dict(access.ledger_dsn)
    return Ledger(
        Dsn(
            host=str(info["host"]),
            port=int(str(info["port"])),
            dbname=str(info["dbname"]),
            user=str(info["user"]),
            password=str(info["password"]),
            label="the ledger",
        )
    )


def _show_existing(ledger: LedgerSession, tenant_id: TenantId, console: Console) -> Saga:
    saga, timeline = _read(ledger.envelopes(tenant_id))
    console.print(TimelineView().draw(saga, timeline, _now()))
    console.print("It was there already, so nothing was triggered. Another one: make demo SLUG=another-name")
    return saga


def _trigger(request: Request, access: Access) -> str:
    conf = {
        "slug": request.slug,
        "name": request.name,
        "plan": request.plan,
        "region": request.region,
        "admin_email": request.admin_email,
    }
    with access.client("operator") as client:
        answer = client.post(f"/api/v2/dags/{DAG}/dagRuns", json={"logical_date": None, "conf": conf})
    if answer.status_code != 200:
        raise SandboxError(f"Airflow did not take the request: {_detail(answer)}")
    return str(answer.json()["dag_run_id"])


def _detail(answer: httpx.Response) -> str:
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = answer.text
    # Below the first paragraph Airflow prints the whole JSON schema.
    return " ".join(str(detail).split("\n\n")[0].split())[:500]


def _watch(ledger: LedgerSession, run_id: RunId, access: Access, console: Console) -> Saga:
    """Show the run's tenant until it is in a resting phase."""
    tenant_id = _await_tenant(ledger, run_id, access, console)
    if console.is_terminal:
        view = TimelineView()
        with Live(console=console, refresh_per_second=12, transient=False) as live:
            return _follow(ledger, tenant_id, lambda saga, timeline: live.update(view.draw(saga, timeline, _now())))
    return _follow(ledger, tenant_id, _LinePrinter(console).show)


def _await_tenant(ledger: LedgerSession, run_id: RunId, access: Access, console: Console) -> TenantId:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    with console.status("Waiting for Airflow to start the run …"):
        while time.monotonic() < deadline:
            tenant_id = ledger.tenant_of_run(run_id)
            if tenant_id is not None:
                return tenant_id
            _raise_if_refused(ledger, run_id)
            time.sleep(POLL_SECONDS)
    patience = f"{TIMEOUT_SECONDS:.0f} s"
    raise SandboxError(f"Airflow did not start run {run_id} within {patience}: see `make status`, {access.api_url}.")


def _raise_if_refused(ledger: LedgerSession, run_id: RunId) -> None:
    for envelope in ledger.envelopes(PLATFORM_STREAM):
        fact = envelope.fact
        if isinstance(fact, RequestRefused) and fact.run_id == run_id:
            raise SandboxError(f"The request was refused: {fact.message}")


def _follow(ledger: LedgerSession, tenant_id: TenantId, show: Callable[[Saga, Timeline], None]) -> Saga:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        saga, timeline = _read(ledger.envelopes(tenant_id))
        show(saga, timeline)
        if saga.phase in _RESTING_PHASES or time.monotonic() > deadline:
            return saga
        time.sleep(POLL_SECONDS)


def _read(envelopes: list[Envelope]) -> tuple[Saga, Timeline]:
    saga = fold(envelope.fact for envelope in envelopes)
    assert saga is not None  # the tenant was found by its facts
    return saga, build_timelines(envelopes)[-1]


class _LinePrinter:
    """For pipes and logs: one line whenever a row changes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: dict[str, object] = {}

    def show(self, saga: Saga, timeline: Timeline) -> None:
        if not self._shown:
            self._say("headline", saga.phase, headline(saga))
        for row in timeline.rows:
            if row.status is not RowStatus.IDLE:
                self._say(row.activity, (row.status, row.undo), f"  {line(row, _now())}")
        self._say("headline", saga.phase, headline(saga))

    def _say(self, what: str, shown: object, words: str) -> None:
        if self._shown.get(what) != shown:
            self._shown[what] = shown
            self._console.print(words, markup=False, highlight=False)


def _now() -> datetime:
    return datetime.now(UTC)
