"""The health checks: how each system is checked, and the results if it does not respond. health_check_runner.py runs
them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from tenancy.activities.plan import require_fits_platform
from tenancy.adapters.engine_health import PARTS
from tenancy.engine.engine_report import all_dags
from tenancy.engine.health import engine_verdicts as of_engine
from tenancy.engine.health import storage_verdicts, verdicts
from tenancy.engine.health.check_results import POOL, CheckResult, Condition, System
from tenancy.ledger.migrations import LEDGER_VERSION
from tenancy.saga.causes import Cause
from tenancy.saga.errors import ProductFileError
from tenancy.saga.platform import Platform, Region
from tenancy.saga.products import Products, dag_of, listing_of

if TYPE_CHECKING:
    from tenancy.adapters.cluster_health import ClusterStatus
    from tenancy.adapters.engine_health import ComponentHeartbeat, EngineWork
    from tenancy.adapters.ingress_health import IngressStatus
    from tenancy.adapters.server_health import ServerStatus, WriteLocks
    from tenancy.adapters.storage_health import StorageStatus
    from tenancy.ledger.heartbeats import Heartbeat


@dataclass(frozen=True)
class LedgerStatus:
    """The ledger's server, its heartbeats, and how many tenants there are: (region, plan) -> number.

    `may_rewrite`: our role could change or remove facts.
    """

    server: "ServerStatus"
    beats: "tuple[Heartbeat, ...]"
    loads: Mapping[tuple[str, str], int]
    may_rewrite: bool = False


@dataclass(frozen=True)
class Probes:
    """The functions that observe each system, wired by probes.py or by a test. Each may raise a TenancyError."""

    platform: Platform
    products: Products
    ledger: "Callable[[], LedgerStatus]"
    heartbeats: "Callable[[], Iterable[ComponentHeartbeat]]"
    work: "Callable[[], EngineWork]"
    storage: "Callable[[Region], StorageStatus]"
    cluster: "Callable[[Region], ClusterStatus]"
    ingress: "Callable[[Region], IngressStatus]"
    engine_database: "Callable[[], WriteLocks] | None" = None
    """None where the engine's database cannot be entered from here, or is no PostgreSQL."""


@dataclass(frozen=True)
class UnavailableSystem:
    """The system did not respond, or refused. `permanent`: a repetition helps only after somebody has changed
    something."""

    reason: str
    permanent: bool = False
    cause: Cause = Cause.UNKNOWN


@dataclass(frozen=True)
class HealthCheck:
    """One health check. `run` observes the system; `when_unavailable` gives the results if it does not respond."""

    name: str
    run: Callable[[datetime], Iterable[CheckResult]]
    when_unavailable: Callable[[UnavailableSystem], Iterable[CheckResult]]


def health_checks(probes: Probes) -> tuple[HealthCheck, ...]:
    """All health checks, in the order of the health page."""
    regions = probes.platform.regions.values()
    return (*_platform_wide(probes), *(look for region in regions for look in _regional(probes, region)))


def _platform_wide(probes: Probes) -> Iterator[HealthCheck]:
    platform = probes.platform
    yield HealthCheck("ledger", partial(_ledger, probes), partial(_no_ledger, platform))
    yield HealthCheck("heartbeats", lambda now: of_engine.heartbeats(probes.heartbeats(), now), _no_heartbeats)
    yield HealthCheck(
        "work",
        lambda now: of_engine.work(probes.work(), platform, _required_dags(probes), now),
        partial(_no_work, platform),
    )
    yield HealthCheck("products", lambda _now: _products(probes), _no_products)
    if (entered := probes.engine_database) is not None:
        yield HealthCheck("database", lambda _now: [of_engine.database(entered())], _no_database)


def _regional(probes: Probes, region: Region) -> Iterator[HealthCheck]:
    def of(system: System, see: Callable[[], CheckResult], *, refused: Condition = Condition.DOWN) -> HealthCheck:
        def otherwise(silence: UnavailableSystem) -> list[CheckResult]:
            state = refused if silence.permanent else Condition.DOWN
            return [CheckResult(system, state, silence.reason, region.name, cause=silence.cause)]

        return HealthCheck(f"{system} {region.name}", lambda _now: [see()], otherwise)

    yield of(System.STORAGE, lambda: storage_verdicts.storage(region, probes.storage(region)))
    yield of(System.CLUSTER, lambda: verdicts.cluster(region, probes.cluster(region)))
    # If a name does not resolve here, it may still resolve for everybody else: so that is unknown, not down.
    yield of(System.INGRESS, lambda: verdicts.ingress(region, probes.ingress(region)), refused=Condition.UNKNOWN)


def _ledger(probes: Probes, now: datetime) -> Iterator[CheckResult]:
    observation, platform = probes.ledger(), probes.platform
    yield verdicts.ledger(observation.server, LEDGER_VERSION, may_rewrite=observation.may_rewrite)
    yield from of_engine.reconcilers(observation.beats, now)
    for region in platform.regions.values():
        yield verdicts.capacity(region, sum(n for (name, _), n in observation.loads.items() if name == region.name))
    for plan in platform.plans.values():
        yield verdicts.quota(plan, sum(n for (_, name), n in observation.loads.items() if name == plan.name))


def _required_dags(probes: Probes) -> tuple[str, ...]:
    """Without those of products that have mistakes: a check of their own says so, and no other tenant needs them."""
    products, listing = probes.products, listing_of(probes.products)
    broken = (name for name in listing.names if listing.default and _mistakes(probes, name))
    absent = {dag_of(products, name) for name in broken}
    return tuple(dag for dag in all_dags(products) if dag not in absent)


def _mistakes(probes: Probes, name: str) -> ProductFileError | None:
    try:
        require_fits_platform(probes.products.named(name), probes.platform)
    except ProductFileError as error:
        return error
    return None


def _products(probes: Probes) -> Iterator[CheckResult]:
    products = probes.products
    for name in products.names():
        if wrong := _mistakes(probes, name):
            yield CheckResult(System.PRODUCT, Condition.DOWN, str(wrong), part=name, cause=wrong.cause)
            continue
        measured = {"version": products.named(name).version}
        yield CheckResult(System.PRODUCT, Condition.OK, "It has no mistakes.", part=name, measured=measured)
    yield from _values_of_unknown_products(probes.platform, products.names())


def _values_of_unknown_products(platform: Platform, there: Collection[str]) -> Iterator[CheckResult]:
    """Values in the platform file for a product that does not exist: most likely its name is mistyped."""
    for plan in platform.plans.values():
        for name in plan.products:
            if name not in there:
                sentence = (
                    f"The platform file has values for it in the plan {plan.name}, and there is no such product "
                    f"(there are: {', '.join(there)})."
                )
                yield CheckResult(System.PRODUCT, Condition.DEGRADED, sentence, part=name, cause=Cause.PLATFORM_FILE)


def _no_products(silence: UnavailableSystem) -> Iterator[CheckResult]:
    yield CheckResult(System.PRODUCT, Condition.DOWN, silence.reason, cause=silence.cause)


_NO_LEDGER: Final = "Not known: only the ledger has it."
_NOT_ASKED: Final = "Not known: the workflow engine did not report it."


def _no_ledger(platform: Platform, silence: UnavailableSystem) -> Iterator[CheckResult]:
    yield CheckResult(System.LEDGER, Condition.DOWN, silence.reason)
    unknown = partial(CheckResult, state=Condition.UNKNOWN, sentence=_NO_LEDGER)
    yield from (unknown(System.ENGINE, part=name) for name in of_engine.LATE_AFTER)
    yield from (unknown(System.CAPACITY, region=region) for region in platform.regions)
    yield from (unknown(System.QUOTA, part=plan) for plan in platform.plans)


def _no_heartbeats(silence: UnavailableSystem) -> Iterator[CheckResult]:
    yield of_engine.engine_result(of_engine.API, (Condition.DOWN, silence.reason))
    for part in PARTS:
        yield of_engine.engine_result(of_engine.part_name(part), (Condition.UNKNOWN, _NOT_ASKED))


def _no_work(platform: Platform, silence: UnavailableSystem) -> Iterator[CheckResult]:
    names = (of_engine.DAGS, of_engine.QUEUE, *(POOL + pool for pool in of_engine.pools(platform)))
    unknown = Condition.UNKNOWN, f"Not known: {silence.reason}"
    of_dags = (Condition.DOWN, silence.reason) if silence.cause is Cause.OTHER_SYSTEM else unknown
    return (of_engine.engine_result(name, of_dags if name == of_engine.DAGS else unknown) for name in names)


def _no_database(silence: UnavailableSystem) -> Iterator[CheckResult]:
    yield of_engine.engine_result(of_engine.DATABASE, (Condition.DOWN, silence.reason))
