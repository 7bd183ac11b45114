"""Routes about the platform: its regions, plans and products, its health, and the findings of the drift check."""

import time
from datetime import datetime, timedelta
from typing import Final

from fastapi import APIRouter

from tenancy.console.api import platform_models, serializers
from tenancy.console.api.problems import problem_responses
from tenancy.console.api.request_context import open_context
from tenancy.console.api.route_guard import SECURITY, CurrentServices, GuardedRoute, needs
from tenancy.console.callers import Right
from tenancy.engine.health.check_results import Condition, Health, System
from tenancy.engine.health.engine_verdicts import LATE_AFTER
from tenancy.engine.reconciliation.drift_check import BEAT as REALITY_CHECK
from tenancy.ledger.findings import load_open_findings
from tenancy.ledger.heartbeats import Heartbeat, load_heartbeats
from tenancy.ledger.migrations import LEDGER_VERSION
from tenancy.saga.errors import ProductFileError, TransientError
from tenancy.saga.platform import Platform
from tenancy.saga.product_parameters import schema_of
from tenancy.saga.products import Products, dag_of, listing_of

router = APIRouter(route_class=GuardedRoute, dependencies=list(SECURITY), tags=["platform"])
_RESPONSES = problem_responses(401, 403, 503)

FINDINGS_LIMIT: Final = 500
_NEVER: Final = "It has never run: check that its DAG exists and is not paused."


@router.get("/platform", responses=_RESPONSES)
@needs(Right.READ)
def show_platform(services: CurrentServices) -> platform_models.PlatformShape:
    """The regions, plans and products of this platform."""
    platform, listing = services.tenancy().platform, listing_of(services.tenancy().products)
    return platform_models.PlatformShape(
        name=platform.name,
        regions=list(platform.offered_regions),
        plans=list(platform.offered_plans),
        products=list(listing.names),
        default_product=listing.default,
        retired_regions=[name for name in platform.regions if name not in platform.offered_regions],
        retired_plans=[name for name in platform.plans if name not in platform.offered_plans],
    )


@router.get("/products", responses=_RESPONSES)
@needs(Right.READ)
def list_products(services: CurrentServices) -> platform_models.Products:
    """Each product: its version, plans and activities, and the schema of its parameters; or its mistakes."""
    tenancy = services.tenancy()
    names = listing_of(tenancy.products).names
    return platform_models.Products(products=[_product(name, tenancy.products, tenancy.platform) for name in names])


def _product(name: str, products: Products, platform: Platform) -> platform_models.ProductShape:
    shape = platform_models.ProductShape(
        name=name, default=name == listing_of(products).default, dag=dag_of(products, name)
    )
    try:
        product = products.named(name)
    except ProductFileError as error:
        return shape.model_copy(update={"mistakes": list(error.problems) or [str(error)]})
    changes = {
        "version": product.version,
        "plans": list(platform.plans_for(product)),
        "activities": list(product.activities),
        "parameters": schema_of(product.parameters),
    }
    return shape.model_copy(update=changes)


@router.get("/health", responses=_RESPONSES)
@needs(Right.READ)
def show_health(services: CurrentServices) -> platform_models.Health:
    """Every system of the platform: ok, degraded, down or unknown, since when, in one sentence; and each reconciler's
    pulse. At most 10 s old; a system that does not respond within 2.5 s is down, and delays nothing."""
    health = services.health()
    ledger, reconcilers = _ledger_health(services, health)
    return platform_models.Health(
        state=health.state,
        looked_at=health.checked_at,
        age_seconds=_age(health, services.clock()),
        checks=[serializers.check(check) for check in health.checks],
        ledger=ledger,
        engine=services.engine().sentence,
        reconcilers=reconcilers,
    )


def _age(health: Health, now: datetime) -> float | None:
    return None if health.checked_at is None else round(max((now - health.checked_at).total_seconds(), 0.0), 1)


def _ledger_health(
    services: CurrentServices, health: Health
) -> tuple[platform_models.LedgerHealth | None, list[platform_models.Reconciler]]:
    """The ledger's response time and the reconcilers' heartbeats; nothing, at once, when the ledger is down."""
    ledger_check = health.of(System.LEDGER)
    if ledger_check is not None and ledger_check.state is Condition.DOWN:
        return None, []
    services.tenancy()  # made on first use; that must not count as the ledger's time
    began = time.monotonic()
    try:
        with open_context(services) as context:
            beaten = {beat.name: beat for beat in load_heartbeats(context.ledger)}
    except TransientError:  # it stopped answering since that health check
        return None, []
    took = (time.monotonic() - began) * 1000
    names = list(dict.fromkeys([*LATE_AFTER, *beaten]))
    ledger = platform_models.LedgerHealth(version=LEDGER_VERSION, milliseconds=round(took, 1))
    return ledger, [_pulse(name, beaten.get(name), services.clock()) for name in names]


@router.get("/findings", responses=_RESPONSES)
@needs(Right.READ)
def list_findings(services: CurrentServices) -> platform_models.Findings:
    """Differences between the ledger and the outside world, oldest first, and the time of the last drift check."""
    with open_context(services) as context:
        findings = load_open_findings(context.ledger, limit=FINDINGS_LIMIT + 1)
        beat = next((beat for beat in load_heartbeats(context.ledger) if beat.name == REALITY_CHECK), None)
    return platform_models.Findings(
        findings=[serializers.finding(each) for each in findings[:FINDINGS_LIMIT]],
        cut=len(findings) > FINDINGS_LIMIT,
        check=_pulse(REALITY_CHECK, beat, services.clock()),
    )


def _pulse(name: str, beat: Heartbeat | None, now: datetime) -> platform_models.Reconciler:
    if beat is None:
        return platform_models.Reconciler(name=name, last_beat=None, late=True, summary=_NEVER)
    late = now - beat.at > LATE_AFTER.get(name, timedelta(hours=1))
    return platform_models.Reconciler(name=name, last_beat=beat.at, late=late, summary=beat.summary)
