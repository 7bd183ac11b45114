"""Admission: a run's request becomes an attempt, or is refused with the field and the reason.

Why one place: slug, capacity and quota are checked and reserved in one transaction, so two requests cannot both get the
last place. A refused request reserves nothing. Called by the first task of a run and by the actions create, retry and
recreate.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from tenancy.activities.plan import plan_entries
from tenancy.activities.validate_request import (
    check_request,
    corrected,
    printable,
    require_not_reserved,
    require_offered,
    require_plan_of,
)
from tenancy.adapters.product_digests import product_version
from tenancy.adapters.product_file import chart_version, newest_revision
from tenancy.engine.provisioning.plan_versions import require_recorded_plan
from tenancy.engine.tenancy import Tenancy
from tenancy.engine.workflow import new_run_id
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga import leases
from tenancy.saga.commands import StartAttempt
from tenancy.saga.errors import Refused
from tenancy.saga.facts import RequestRefused
from tenancy.saga.names import PLATFORM_STREAM, RunId, TaskInstanceId, TenantId
from tenancy.saga.platform import Platform
from tenancy.saga.product import Product
from tenancy.saga.products import Products, dag_of, product_name
from tenancy.saga.states import State
from tenancy.saga.tenant import Parameters, Saga


@dataclass(frozen=True)
class Origin:
    """Where an attempt runs and what it is made of."""

    run_id: RunId
    product: str
    """The name of the product that was asked for."""
    dag_id: str
    """The DAG of the run."""
    clear_number: int = 0
    """How often the run has been cleared in Airflow."""


def origin_of(products: Products, run_id: RunId, asked: str) -> Origin:
    """The origin of an attempt whose run we start. `asked`: the product; empty for the default one. Raises Refused."""
    names = products.names()
    if asked and asked not in names:
        raise Refused(f"product: {asked[:60]!r} is not offered. There are {', '.join(names)}.", field="product")
    name = asked or products.default_name
    return Origin(run_id, name, dag_of(products, name))


def admit(tenancy: Tenancy, ledger: LedgerSession, origin: Origin, conf: Mapping[str, Any], stamp: Stamp) -> TenantId:
    """The tenant that this run provisions from now on. Raises Refused, after recording it in the audit log."""
    try:
        known = ledger.tenant_of_run(origin.run_id)
        saga = ledger.saga(known) if known else None
        product = tenancy.products.named(_product_of(tenancy, saga, origin))
        parameters = check_request(conf, tenancy.platform, product, saga.kept_values if saga else {})
        with ledger.admission():
            return _start(tenancy, ledger, origin, product, parameters=parameters, stamp=stamp)
    except Refused as refusal:
        _record_refusal(ledger, origin.run_id, conf, refusal, stamp)
        raise


def _start(
    tenancy: Tenancy, ledger: LedgerSession, origin: Origin, product: Product, *, parameters: Parameters, stamp: Stamp
) -> TenantId:
    known = ledger.tenant_of_run(origin.run_id) or ledger.tenant_of_slug(parameters.slug)
    if known is None:
        if ledger.predecessor_of_slug(parameters.slug) is None:
            require_not_reserved(parameters.slug)
        require_offered(parameters, tenancy.platform)
        require_room(tenancy.platform, ledger, parameters)
    elif (saga := ledger.saga(known)) and saga.state is State.FAILED:
        require_recorded_plan(tenancy, saga)
    tenant_id = known or TenantId(uuid4())
    predecessor = None if known else ledger.predecessor_of_slug(parameters.slug)
    if known is None:
        require_plan_of(product, parameters, tenancy.platform)
    start = replace(_attempt(tenancy, tenant_id, origin, parameters, product), predecessor=predecessor)
    ledger.record(tenant_id, start, stamp=stamp)
    return tenant_id


def _product_of(tenancy: Tenancy, saga: Saga | None, origin: Origin) -> str:
    """What the attempt is made of. A known run keeps its tenant's product, even if its DAG has become another one's."""
    if saga is None or origin.run_id not in saga.runs:
        return origin.product  # the state machine compares it with the tenant's
    leases.require_same_dag(saga, origin.run_id, origin.dag_id)
    return product_name(tenancy.products, saga.product)


def _attempt(
    tenancy: Tenancy, tenant_id: TenantId, origin: Origin, parameters: Parameters, product: Product
) -> StartAttempt:
    return StartAttempt(
        tenant_id,
        origin.run_id,
        parameters,
        plan_entries(product),
        newest_revision(product),
        chart_version=chart_version(product),
        product=product_version(product),
        dag_id=origin.dag_id,
        unrecorded_product=tenancy.products.default_name,
        clear_number=origin.clear_number,
    )


def retry_of(tenancy: Tenancy, ledger: LedgerSession, saga: Saga, corrections: Mapping[str, Any], stamp: Stamp) -> Saga:
    """Record the tenant's next attempt; the caller triggers its run. Raises Refused."""
    require_recorded_plan(tenancy, saga)
    before, product = saga.parameters, tenancy.product_of(saga)
    asked = check_request(corrected(before, corrections, product), tenancy.platform, product, saga.kept_values)
    if asked.slug != before.slug:
        raise Refused("A tenant keeps its slug: decommission it and create another one.", field="slug")
    require_offered(asked, tenancy.platform, before)
    with ledger.admission():
        if (asked.region, asked.plan) != (before.region, before.plan):
            require_room(tenancy.platform, ledger, asked)
        origin = Origin(new_run_id(asked.slug), product.name, dag_of(tenancy.products, product.name))
        require_plan_of(product, asked, tenancy.platform, before)
        start = _attempt(tenancy, saga.tenant_id, origin, asked, product)
        return ledger.record(saga.tenant_id, replace(start, is_retry=True), stamp=stamp)


def require_room(platform: Platform, ledger: LedgerSession, parameters: Parameters) -> None:
    """Raise Refused, with the field, if the region is full or the plan's quota is used up."""
    in_region, on_plan = ledger.count_usage(region=parameters.region, plan=parameters.plan)
    region, plan = platform.regions[parameters.region], platform.plans[parameters.plan]
    if in_region >= region.capacity:
        raise Refused(
            f"region: {region.name} is full ({in_region} of {region.capacity} tenants). Choose another region, "
            "or have its capacity raised in the platform file.",
            field="region",
        )
    if plan.quota is not None and on_plan >= plan.quota:
        raise Refused(
            f"plan: the quota of {plan.name} is used up ({on_plan} of {plan.quota} tenants). Choose another plan, "
            "or have its quota raised in the platform file.",
            field="plan",
        )


def _record_refusal(
    ledger: LedgerSession, run_id: RunId, conf: Mapping[str, Any], refusal: Refused, stamp: Stamp
) -> None:
    slug = conf.get("slug")
    asked = printable(slug[:60]) if isinstance(slug, str) else ""
    stream = ledger.tenant_of_slug(asked) or PLATFORM_STREAM
    refused = RequestRefused(asked, run_id, str(refusal), refusal.field, TaskInstanceId(stamp.lease))
    ledger.append_notice(stream, refused, stamp=stamp)
