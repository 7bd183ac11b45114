"""Tenancy: the parts of one platform, wired by bootstrap.py or by a test; and the context for an activity."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from tenancy.activities.activity import Activity
from tenancy.activities.context import ActivityContext, Observation, SystemClients
from tenancy.activities.plan import example_outputs, plan_of
from tenancy.activities.registry import find_maker, maker_of
from tenancy.adapters.advisory_lock import Holder
from tenancy.adapters.application_names import UNWINDER
from tenancy.adapters.storage import LockPolicy
from tenancy.engine.recorded_engine import expected_engine
from tenancy.engine.workflow import Runs
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, LedgerSession, utc_now
from tenancy.saga.commands import Command, ReportSystemReplaced
from tenancy.saga.credentials import Keyring
from tenancy.saga.decide import decide
from tenancy.saga.errors import TenancyError
from tenancy.saga.facts import HolderEvicted
from tenancy.saga.names import TenantId
from tenancy.saga.platform import Platform
from tenancy.saga.product import Product
from tenancy.saga.products import Products, product_name
from tenancy.saga.systems import is_lost
from tenancy.saga.tenant import Resource, Saga

_MESSAGE_LIMIT = 2000


def may_evict(holder: Holder) -> bool:
    """May this lock holder's session be terminated? Yes, unless it unwinds: any other holder has already been fenced
    by a newer lease or an unwinding."""
    return not holder.application.startswith(UNWINDER)


def unwinder_name(generation: int, who: str) -> str:
    """The application name of a database session that unwinds this generation."""
    return f"{UNWINDER} {generation} {who}"


def may_evict_for(generation: int) -> Callable[[Holder], bool]:
    """Like `may_evict`, but also older unwinders: so a second Cancel replaces an unwinding that hangs."""

    def decides(holder: Holder) -> bool:
        return may_evict(holder) or _generation_of(holder) < generation

    return decides


def _generation_of(holder: Holder) -> int:
    number = holder.application.removeprefix(UNWINDER).split()[:1]
    return int(number[0]) if number and number[0].isdecimal() else 0


@dataclass(frozen=True)
class Timings:
    """Bounds in seconds. unwind_limit < [core] task_success_overtime (60) < task heartbeat time-out (120)."""

    lock_patience: float = 10.0
    unwind_limit: float = 40.0
    grace: float = 0.5
    """How long to wait for late effects of dead processes, before everything is observed again."""
    system_budget: float = 12.0
    """For all tries on one system in one pass of unwinding. Three systems that do not respond fit into unwind_limit."""
    compensation_tries: int = 3
    compensation_backoff: float = 0.5


@dataclass(frozen=True)
class Tenancy:
    """The parts of one platform."""

    ledger: Ledger
    platform: Platform
    keyring: Keyring
    clients: SystemClients
    runs: Callable[[], Runs]
    products: Products
    """What new attempts are made of. Unwinding does not ask for them."""
    timings: Timings = Timings()
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = utc_now
    asks_engine: bool = True
    """False in a dry run, which does not ask Airflow, not even for its identity."""

    def product_of(self, saga: Saga) -> Product:
        """The tenant's product as it is now. Raises ProductFileError."""
        return self.products.named(product_name(self.products, saga.product))

    def activity_context(
        self,
        ledger: LedgerSession,
        saga: Saga,
        *,
        application: str,
        stamp: Stamp,
        fence_command: Command,
        may_evict: Callable[[Holder], bool] = may_evict,
        seconds: float | None = None,
    ) -> ActivityContext:
        """The context for one tenant's activities. Its fence raises Refused once `decide` would refuse `fence_command`.

        `seconds`: how long one call may wait for a system that does not respond.
        """
        tenant_id = saga.tenant_id

        def fence() -> None:
            decide(ledger.saga(tenant_id), fence_command)

        def note_evicted(system: str, holder: Holder) -> None:
            record_eviction(ledger, tenant_id, system, holder, stamp)

        def note_replaced(resource: Resource, successor: str) -> None:
            report = ReportSystemReplaced(resource.kind, resource.name, successor, self.platform.source)
            ledger.record(tenant_id, report, stamp=stamp)

        def observe() -> tuple[Observation, ...]:
            return observe_all(context)

        def evict(holder: Holder) -> bool:
            fence()  # a process that was superseded while waiting must not terminate the newer process's session
            return may_evict(holder)

        lock = LockPolicy(application, self.timings.lock_patience, evict, note_evicted)
        context = ActivityContext(
            saga,
            self.platform,
            self.keyring,
            self.clients,
            lock,
            fence,
            observe,
            partial(self.product_of, saga),
            lambda: check_request_by_all(context),
            note_replaced,
            expected_engine=lambda: expected_engine(ledger.recorded_engine().system, self.platform),
            timeout_seconds=seconds,
        )
        return context


def record_eviction(ledger: LedgerSession, tenant_id: TenantId, system: str, holder: Holder, stamp: Stamp) -> None:
    """Record that a lock holder's session was terminated."""
    ledger.append_notice(tenant_id, HolderEvicted(system, str(holder)), stamp=stamp)


def message_of(error: BaseException) -> str:
    """The error's text for the error log: one line, without NUL (PostgreSQL cannot store it), of limited length."""
    message = str(error) if isinstance(error, TenancyError) else f"{type(error).__name__}: {error}"
    lines = (line.strip() for line in message.replace("\0", "").splitlines())
    return " ".join(line for line in lines if line)[:_MESSAGE_LIMIT]


def check_request_by_all(context: ActivityContext) -> None:
    """Have every activity of the attempt's plan check the request. PermanentError when one cannot carry it out."""
    attempt = context.saga.current_attempt
    plan = [activity for activity in plan_of(context.product) if attempt.has(activity.name)]
    outputs = example_outputs(plan)
    for activity in plan:
        activity.check_request(context, outputs)


def observe_all(context: ActivityContext) -> tuple[Observation, ...]:
    """The observations of all activities that ever created a resource of this tenant."""
    return tuple(
        observation
        for maker in activities_to_observe(context.saga, context.platform)
        for observation in maker.observe(context)
    )


def activities_to_observe(saga: Saga, platform: Platform) -> tuple[Activity, ...]:
    """The activities that created the tenant's resources. PlatformError if a live resource's activity is not installed.

    Skipped: released resources whose activity is no longer installed, and resources in a system that is declared lost.
    """
    there = [each for each in saga.resources if not is_lost(each.system, platform.replaced_systems)]
    makers = (maker_of(each, saga.product) if each.live else find_maker(each, saga.product) for each in there)
    return tuple(dict.fromkeys(maker for maker in makers if maker is not None))
