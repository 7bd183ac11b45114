"""Several products on one installation: whose tenant it is, in which DAG it runs, and what a broken one stops."""

import sys
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from tenancy import bootstrap
from tenancy.activities.plan import limits
from tenancy.engine.actions import actions
from tenancy.engine.provisioning import admission
from tenancy.engine.provisioning.runner import Task, run_activity
from tenancy.ledger import pokes
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.measures import load_measures
from tenancy.ledger.tenant_summaries import TenantFilter, attention_cutoffs, load_tenants
from tenancy.orchestration import callbacks, listener
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.attempt_values import UNKNOWN_PRODUCT
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PlatformError, ProductFileError, Refused
from tenancy.saga.names import ActivityName, RunId
from tenancy.saga.product import PROVISIONING_DAG, Product
from tenancy.saga.tenant import Saga
from tests import real_systems
from tests.integration.engine_harness import (
    DEPLOY,
    HANDLE,
    LATER,
    MARK_ACTIVE,
    NO_OBJECTS,
    ORDER,
    RUN,
    SCHEMA,
    SECOND_RUN,
    VALIDATE,
    EngineHarness,
    lease,
)
from tests.products import SAMPLE, FewProducts

CRM = replace(SAMPLE, name="crm")
CRM_DAG = "tenant_provisioning__crm"
BY = Stamp("grace")


def _broken() -> Product:
    raise ProductFileError("The product in products/crm is wrong: product.toml: name is missing.")


def _without(activity: ActivityName) -> tuple[ActivityName, ...]:
    return tuple(each for each in ORDER if each != activity)


def _swapped(first: ActivityName, second: ActivityName) -> tuple[ActivityName, ...]:
    other = {first: second, second: first}
    return tuple(other.get(each, each) for each in ORDER)


def give(harness: EngineHarness, **products: Callable[[], Product]) -> None:
    """The first is the default one."""
    harness.tenancy = replace(harness.tenancy, products=FewProducts(products))


@pytest.fixture
def two(harness: EngineHarness) -> EngineHarness:
    give(harness, sample=lambda: SAMPLE, crm=lambda: CRM)
    return harness


def create(harness: EngineHarness, product: str = "", **request: str) -> Saga:
    return actions.create(harness.tenancy, real_systems.request(**request), by=BY, product=product).saga


def run_in(harness: EngineHarness, dag_id: str, product: str, number: int = 1, run_id: RunId = RUN) -> Saga:
    """The first task of a run that somebody triggered in Airflow."""
    task = Task(lease(VALIDATE, number, run_id), number, real_systems.request(), "ada", product, dag_id)
    saga = run_activity(harness.tenancy, task)
    assert isinstance(saga, Saga)
    return saga


@pytest.mark.parametrize(
    ("asked", "product", "dag_id"),
    [("", "sample", PROVISIONING_DAG), ("sample", "sample", PROVISIONING_DAG), ("crm", "crm", CRM_DAG)],
)
def test_a_request_is_provisioned_by_the_dag_of_its_product(two: EngineHarness, asked: str, product: str, dag_id: str):
    saga = create(two, asked)
    assert (saga.product, saga.dag_id) == (product, dag_id)
    assert two.runs.of(dag_id) == [saga.run_id]
    (started,) = two.facts(f.AttemptStarted)
    assert (started.product.name, started.dag_id) == (product, dag_id)


def test_a_product_that_is_not_there_is_refused_with_the_others(two: EngineHarness):
    with pytest.raises(Refused, match=r"product: 'erp' is not offered\. There are crm, sample") as caught:
        create(two, "erp")
    assert caught.value.field == "product"
    assert two.runs.stored == {}


def test_in_airflow_the_dag_is_the_product(two: EngineHarness):
    saga = run_in(two, CRM_DAG, "crm")
    assert (saga.product, saga.dag_id) == ("crm", CRM_DAG)


def test_a_retry_keeps_the_product(two: EngineHarness):
    create(two, "crm")
    two.record_commands(c.Cancel())
    two.unwind()
    two.record_commands(c.Reset())
    retried = actions.retry(two.tenancy, two.tenant_id, by=BY).saga
    assert (retried.attempt, retried.product, retried.dag_id) == (2, "crm", CRM_DAG)


def test_a_run_of_another_products_dag_is_no_retry(two: EngineHarness):
    create(two, "crm")
    two.record_commands(c.Cancel())
    two.unwind()
    two.record_commands(c.Reset())
    with pytest.raises(Refused, match="product: acme is a tenant of crm, and it keeps its product"):
        run_in(two, PROVISIONING_DAG, "sample", run_id=SECOND_RUN)


def test_a_run_of_another_dag_with_the_same_id_does_nothing_to_the_tenant(two: EngineHarness):
    run_in(two, PROVISIONING_DAG, "sample")
    before = two.saga
    with pytest.raises(Refused, match="this is a run of tenant_provisioning__crm with the same id"):
        run_in(two, CRM_DAG, "crm", number=2)
    assert two.saga.current_attempt == before.current_attempt


@pytest.mark.parametrize("callback", [callbacks.run_failed, callbacks.activity_failed])
def test_a_run_of_another_dag_with_the_same_id_undoes_nothing_when_it_fails(
    two: EngineHarness, monkeypatch: pytest.MonkeyPatch, callback: Callable[[Any], None]
):
    two.run_until(SCHEMA)
    before, made = two.saga, two.external_objects
    monkeypatch.setattr(bootstrap, "tenancy", lambda: two.tenancy)
    for dag_id, same in ((CRM_DAG, True), (PROVISIONING_DAG, False)):
        ti = SimpleNamespace(id="ti-000001", run_id=RUN, dag_id=dag_id, task_id=SCHEMA)
        callback({"dag": SimpleNamespace(dag_id=dag_id), "run_id": RUN, "ti": ti, "exception": RuntimeError("boom")})
        assert (two.saga == before, two.external_objects == made) == (same, same)


def test_a_mark_of_a_run_of_another_dag_with_the_same_id_leaves_no_poke(
    two: EngineHarness, monkeypatch: pytest.MonkeyPatch
):
    run_in(two, PROVISIONING_DAG, "sample")
    monkeypatch.setattr(bootstrap, "ledger_dsn", lambda: two.ledger)
    monkeypatch.setattr(sys, "argv", ["airflow", "api-server"])
    for dag_id, expected in ((CRM_DAG, False), (PROVISIONING_DAG, True)):
        listener.on_dag_run_failed(SimpleNamespace(dag_id=dag_id, run_id=RUN), "")
        with two.tenancy.ledger.open("test") as ledger:
            assert pokes.has_poke(ledger, RUN) is expected


def test_a_tenant_is_recreated_with_its_product_or_with_another_one(two: EngineHarness):
    create(two, "crm")
    two.record_commands(c.Cancel())
    two.unwind()
    two.record_commands(c.Decommission())
    again = actions.recreate(two.tenancy, two.tenant_id, by=BY).saga
    assert again.product == "crm"
    two.record_commands(c.Cancel())
    two.unwind()
    two.record_commands(c.Decommission())
    other = actions.recreate(two.tenancy, again.tenant_id, by=BY, product="sample").saga
    assert (other.product, other.dag_id) == ("sample", PROVISIONING_DAG)


def test_a_run_in_flight_is_found_after_another_product_has_become_the_default_one(two: EngineHarness):
    saga = create(two)
    give(two, crm=lambda: CRM, sample=lambda: SAMPLE)
    two.record_commands(c.Cancel())
    two.reconcile_later()
    run = two.runs.find(PROVISIONING_DAG, saga.run_id)
    assert run is not None
    assert run.state == "failed"
    two.unwind()
    two.record_commands(c.Reset())
    assert actions.retry(two.tenancy, two.tenant_id, by=BY).saga.dag_id == "tenant_provisioning__sample"


@pytest.mark.parametrize("order", [_without(HANDLE), _swapped(SCHEMA, DEPLOY)], ids=["one-less", "another-order"])
def test_a_run_whose_dag_has_another_products_tasks_is_held_and_nothing_is_undone(
    two: EngineHarness, order: tuple[ActivityName, ...]
):
    """Another product has become the default one, so it has the DAG of this run now."""
    two.run_until(HANDLE)
    for each in ORDER[ORDER.index(HANDLE) : ORDER.index(SCHEMA)] if HANDLE in order else ():
        two.run(each)
    made = two.external_objects
    give(two, crm=lambda: replace(CRM, activities=order), sample=lambda: SAMPLE)
    next_task = DEPLOY if HANDLE in order else SCHEMA
    with pytest.raises(PlatformError, match="make sample the default product again"):
        two.run(next_task)
    two.give_up(next_task)
    two.run_failed()
    two.runs.start(PROVISIONING_DAG, RUN, {})
    two.runs.end(PROVISIONING_DAG, RUN, "failed")
    two.reconcile_later()
    assert (two.saga.phase, two.saga.hold.cause) == ("Provisioning", Cause.PLATFORM_VERSION)
    assert two.external_objects == made
    give(two, sample=lambda: SAMPLE, crm=lambda: CRM)
    assert [two.run(each, 2).phase for each in ORDER][-1] == "Active"


def test_a_tenant_of_before_has_the_default_product(two: EngineHarness):
    create(two)
    assert replace(two.saga.current_attempt, product="") != two.saga.current_attempt
    unrecorded = replace(two.saga, current_attempt=replace(two.saga.current_attempt, product=""))
    assert two.tenancy.product_of(unrecorded) == SAMPLE


def test_a_tenant_of_before_that_kept_its_resources_is_not_retried_with_another_product(
    two: EngineHarness, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as older:
        older.setattr(admission, "product_version", lambda product: UNKNOWN_PRODUCT)
        two.run_until(MARK_ACTIVE)
    two.handles.failing = 1
    two.fail_for_good(MARK_ACTIVE)
    two.record_commands(c.Reset())
    assert (two.saga.phase, two.saga.product) == ("Failed ready", "")
    give(two, crm=lambda: replace(CRM, activities=_without(HANDLE)), sample=lambda: SAMPLE)
    for attempt in (
        lambda: actions.retry(two.tenancy, two.tenant_id, by=BY),
        lambda: run_in(two, PROVISIONING_DAG, "crm", 2, RUN),
        lambda: run_in(two, PROVISIONING_DAG, "crm", 2, SECOND_RUN),
    ):
        with pytest.raises(PlatformError, match="acme has resources and recorded no product"):
            attempt()
    assert two.saga.attempt == 1
    give(two, sample=lambda: SAMPLE, crm=lambda: CRM)
    assert actions.retry(two.tenancy, two.tenant_id, by=BY).saga.product == "sample"


def test_all_products_count_against_a_regions_capacity(two: EngineHarness):
    two.tenancy = replace(two.tenancy, platform=real_systems.platform(two.tenancy.platform.name, capacity=2))
    create(two, "sample", slug="one")
    create(two, "crm", slug="two")
    with pytest.raises(Refused, match=r"region: eu-central is full \(2 of 2 tenants\)"):
        create(two, "crm", slug="three")


def test_a_broken_product_stops_only_its_own_tenants(two: EngineHarness):
    create(two, "crm")
    run_id = two.saga.run_id
    for each in ORDER[: ORDER.index(SCHEMA)]:
        run_activity(two.tenancy, Task(lease(each, 1, run_id), 1, real_systems.request(), "ada", "crm", CRM_DAG))
    give(two, sample=lambda: SAMPLE, crm=_broken)
    with pytest.raises(ProductFileError, match="name is missing"):
        create(two, "crm", slug="other")
    assert create(two, "sample", slug="well").phase == "Provisioning"
    two.record_commands(c.Cancel())
    assert two.unwind().phase == "Failed settled"
    assert two.external_objects == NO_OBJECTS
    two.record_commands(c.Decommission())
    assert two.saga.phase == "Decommissioned"


def test_a_tenant_whose_product_breaks_is_held_with_the_mistakes_until_they_are_corrected(two: EngineHarness):
    create(two, "crm")
    give(two, sample=lambda: SAMPLE, crm=_broken)
    two.reconcile_later()
    assert (two.saga.phase, two.saga.hold.cause) == ("Provisioning", Cause.PLATFORM_FILE)
    assert "name is missing" in two.saga.hold.reason
    give(two, sample=lambda: SAMPLE, crm=lambda: CRM)
    two.reconcile_later(2 * LATER)
    assert "name is missing" not in two.saga.hold.reason


def test_tenants_are_listed_by_product(two: EngineHarness):
    create(two, "sample", slug="one")
    create(two, "crm", slug="two")
    with two.tenancy.ledger.open("test") as ledger:
        cutoffs = attention_cutoffs(limits(two.tenancy.platform), ledger.now)
        found = load_tenants(ledger, TenantFilter(product="crm"), cutoffs=cutoffs, limit=9)
    assert [(each.parameters.slug, each.product) for each in found] == [("two", "crm")]


def test_tenants_are_counted_by_product(two: EngineHarness):
    create(two, "sample", slug="one")
    create(two, "crm", slug="two")
    with two.tenancy.ledger.open("test") as ledger:
        counted = {key: each.tenants for key, each in load_measures(ledger).states.items()}
    assert counted == {("Provisioning", "", "sample"): 1, ("Provisioning", "", "crm"): 1}


def test_a_plan_that_the_product_does_not_offer_is_refused(two: EngineHarness):
    give(two, sample=lambda: SAMPLE, crm=lambda: replace(CRM, plans=("starter",)))
    with pytest.raises(Refused, match=r"plan: crm is not offered with business\. It has starter\.") as caught:
        create(two, "crm", plan="business")
    assert caught.value.field == "plan"
    assert create(two, "sample", plan="business").phase == "Provisioning"


def test_a_plan_has_the_values_of_the_tenants_product(two: EngineHarness):
    starter = replace(two.tenancy.platform.plans["starter"], products={"crm": {"database_connections": 3}})
    two.tenancy = replace(two.tenancy, platform=replace(two.tenancy.platform, plans={"starter": starter}))
    for product, slug, expected in (("sample", "one", 7), ("crm", "two", 3)):
        saga = create(two, product, slug=slug)
        with two.tenancy.ledger.open("test") as ledger:
            context = two.tenancy.activity_context(
                ledger, saga, application="test", stamp=BY, fence_command=c.RecordHistoryCleared()
            )
            assert context.plan.database_connections == expected
