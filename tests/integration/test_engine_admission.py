"""Admission: a request becomes an attempt, or is refused with field and reason, holds nothing and stands in the log."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import uuid4

import pytest

from tenancy.engine.actions import actions
from tenancy.engine.recovery.unwind import unwind
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import Refused
from tenancy.saga.names import RunId, TenantId
from tenancy.saga.reserved_slugs import RESERVED_SLUGS
from tenancy.saga.tenant import Parameters
from tests import real_systems
from tests.integration.engine_harness import MARK_ACTIVE, NO_OBJECTS, SCHEMA, STAMP, STORAGE, VALIDATE, EngineHarness
from tests.products import PLAN_ENTRIES

RUNS = [RunId(f"run-{number}") for number in range(10)]


def _refused(harness: EngineHarness, run_id: RunId = RUNS[1], **conf: object) -> Refused:
    with pytest.raises(Refused) as refused:
        harness.run(VALIDATE, 1, run_id, **conf)
    return refused.value


def test_an_admitted_request_holds_its_slug_and_nothing_outside(harness: EngineHarness):
    saga = harness.run(VALIDATE)
    assert (saga.phase, saga.parameters.slug, saga.run_id) == ("Provisioning", "acme", "run-1")
    assert harness.external_objects == NO_OBJECTS


def test_the_request_is_in_the_log_with_plan_and_schema_version(harness: EngineHarness):
    harness.run(VALIDATE)
    (started,) = harness.facts(f.AttemptStarted)
    assert [entry.activity for entry in started.plan][-1] == MARK_ACTIVE
    assert started.schema_version
    assert started.parameters.conf == real_systems.request()


def test_the_same_run_cleared_continues_with_the_same_attempt(harness: EngineHarness):
    harness.run_until(SCHEMA)
    after = harness.run(VALIDATE, 2)
    assert (after.attempt, len(harness.facts(f.AttemptStarted))) == (1, 1)


def test_a_slug_that_is_being_provisioned_is_refused_and_the_live_run_named(harness: EngineHarness):
    harness.run(VALIDATE)
    refused = _refused(harness, RUNS[2])
    assert (refused.field, "is being provisioned by run run-1" in str(refused)) == ("slug", True)
    (noted,) = harness.facts(f.RequestRefused)
    assert (noted.slug, noted.run_id, noted.field, noted.message) == ("acme", RUNS[2], "slug", str(refused))
    assert harness.saga.run_id == "run-1"


def test_a_slug_of_an_active_tenant_is_taken(harness: EngineHarness):
    harness.run_all()
    assert "is taken by an active tenant" in str(_refused(harness, RUNS[2]))


def test_a_failed_tenants_slug_is_reset_first_and_then_retried(harness: EngineHarness):
    harness.run_until(STORAGE)
    harness.run_failed()
    assert "Reset it first" in str(_refused(harness, RUNS[2]))
    harness.record_commands(c.Reset())
    after = harness.run(VALIDATE, 2, RUNS[2])
    assert (after.attempt, after.run_id) == (2, RUNS[2])


def test_a_retry_may_correct_what_was_asked_for_when_nothing_was_kept(harness: EngineHarness):
    harness.run_until(STORAGE)
    harness.run_failed()
    harness.record_commands(c.Reset())
    after = harness.run(VALIDATE, 2, RUNS[2], plan="business", name="Acme Ltd")
    assert (after.parameters.plan, after.parameters.name) == ("business", "Acme Ltd")


def test_a_decommissioned_tenants_slug_makes_a_new_tenant_that_knows_its_predecessor(harness: EngineHarness):
    harness.run_until(STORAGE)
    harness.run_failed()
    former = harness.tenant_id
    assert harness.record_commands(c.Decommission()).phase == "Decommissioned"
    after = harness.run(VALIDATE, 1, RUNS[2])
    assert after.predecessor == former
    assert after.tenant_id != former


def test_a_full_region_is_refused_with_its_numbers(harness: EngineHarness):
    harness.tenancy = replace(
        harness.tenancy, platform=real_systems.platform(harness.tenancy.platform.name, capacity=2)
    )
    for slug in ("one", "two"):
        harness.run(VALIDATE, 1, RunId(slug), slug=slug)
    refused = _refused(harness)
    assert refused.field == "region"
    assert "region: eu-central is full (2 of 2 tenants)" in str(refused)
    assert [noted.slug for noted in harness.refusals] == ["acme"]


def test_a_used_up_quota_is_refused_and_the_other_plan_is_still_accepted(harness: EngineHarness):
    harness.tenancy = replace(harness.tenancy, platform=real_systems.platform(harness.tenancy.platform.name, quota=1))
    harness.run(VALIDATE, 1, RunId("one"), slug="one", plan="business")
    refused = _refused(harness, plan="business")
    assert refused.field == "plan"
    assert "plan: the quota of business is used up (1 of 1 tenants)" in str(refused)
    assert harness.run(VALIDATE, 1, RUNS[2], plan="starter").phase == "Provisioning"


def test_a_decommissioned_tenant_makes_room(harness: EngineHarness):
    harness.tenancy = replace(
        harness.tenancy, platform=real_systems.platform(harness.tenancy.platform.name, capacity=1)
    )
    harness.run(VALIDATE)
    harness.run_failed()
    harness.record_commands(c.Decommission())
    assert harness.run(VALIDATE, 1, RUNS[2], slug="other").phase == "Provisioning"


def test_a_full_region_keeps_no_tenant_from_its_retry(harness: EngineHarness):
    harness.tenancy = replace(
        harness.tenancy, platform=real_systems.platform(harness.tenancy.platform.name, capacity=1)
    )
    harness.run(VALIDATE)
    harness.run_failed()
    harness.record_commands(c.Reset())
    assert harness.run(VALIDATE, 2, RUNS[2]).attempt == 2


def _at_once(harness: EngineHarness, *slugs: str) -> list[str]:
    """Requests of as many runs, all together: "admitted", or the field that was refused."""
    barrier = Barrier(len(slugs))

    def ask(number: int) -> str:
        barrier.wait(10)
        try:
            harness.run(VALIDATE, 1, RUNS[number], slug=slugs[number])
        except Refused as refused:
            return str(refused.field)
        return "admitted"

    with ThreadPoolExecutor(len(slugs)) as pool:
        return sorted(pool.map(ask, range(len(slugs))))


def test_of_many_requests_for_one_slug_exactly_one_is_admitted(harness: EngineHarness):
    assert _at_once(harness, *["acme"] * 5) == ["admitted", *["slug"] * 4]
    assert len(harness.facts(f.AttemptStarted)) == 1
    assert len(harness.facts(f.RequestRefused)) == 4


def test_of_many_requests_for_the_last_place_exactly_one_is_admitted(harness: EngineHarness):
    harness.tenancy = replace(
        harness.tenancy, platform=real_systems.platform(harness.tenancy.platform.name, capacity=3)
    )
    for slug in ("one", "two"):
        harness.run(VALIDATE, 1, RunId(slug), slug=slug)
    slugs = [f"slug-{number}" for number in range(5)]
    assert _at_once(harness, *slugs) == ["admitted", *["region"] * 4]
    assert len(harness.refusals) == 4


@pytest.mark.parametrize("slug", sorted(RESERVED_SLUGS)[::4])
def test_a_reserved_slug_is_refused(harness: EngineHarness, slug: str):
    assert f"slug: {slug} is reserved" in str(_refused(harness, slug=slug))


def test_a_tenant_that_has_a_slug_which_was_reserved_since_continues(harness: EngineHarness):
    """It is provisioned, retried and recreated as any other; only a new one is refused."""
    tenant_id, run = TenantId(uuid4()), RunId("run-of-an-earlier-version")
    kept = Parameters(**real_systems.request("mail"))
    with harness.tenancy.ledger.open("test") as ledger:
        started = c.StartAttempt(tenant_id, run, kept, PLAN_ENTRIES, "1")
        ledger.record(tenant_id, started, stamp=STAMP)
    assert harness.run(VALIDATE, 1, run, slug="mail").step(VALIDATE).status == "done"
    _cancelled(harness, tenant_id)
    actions.reset(harness.tenancy, tenant_id, by=STAMP)
    assert actions.retry(harness.tenancy, tenant_id, by=STAMP).saga.phase == "Provisioning"
    _cancelled(harness, tenant_id)
    actions.decommission(harness.tenancy, tenant_id, by=STAMP)
    assert actions.recreate(harness.tenancy, tenant_id, by=STAMP).saga.parameters.slug == "mail"


def _cancelled(harness: EngineHarness, tenant_id: TenantId) -> None:
    saga = actions.cancel(harness.tenancy, tenant_id, by=STAMP).saga
    unwind(harness.tenancy, tenant_id, saga.generation, stamp=STAMP, last_try=True)
