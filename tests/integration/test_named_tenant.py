"""What destroys names the tenant's id: a slug is another tenant's once it was free."""

from typing import Any
from uuid import UUID

import pytest

from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger
from tenancy.saga import commands as c
from tenancy.saga.errors import Refused
from tenancy.saga.names import TenantId
from tenancy.saga.tenant import Parameters
from tests import real_systems
from tests.integration.test_dry_runs import ENGINEER, WHY, Api
from tests.unit.sagas import ORDER, begin, done, fail, give_up, start

STAMP = Stamp("ada")


@pytest.fixture
def api(ledger: Ledger) -> Api:
    return Api(ledger)


def documented(tenant_id: object, slug: str) -> dict[str, Any]:
    """The request for a decommission as docs/reference/api.md has it."""
    return {"reason": "contract ended", "tenant_id": str(tenant_id), "confirm_slug": slug}


def active(api: Api, number: int, slug: str = "acme") -> TenantId:
    """A tenant of this slug, Active."""
    tenant_id, run_id = TenantId(UUID(int=number)), f"run-{number}"
    parameters = Parameters(slug, "Acme", "starter", real_systems.REGION, "ada@acme.test")
    life = (start(run_id, parameters, tenant_id), *done(*ORDER, run_id=run_id))  # type: ignore[arg-type]
    with api.ledger.open("test") as session:
        session.record(tenant_id, *life, stamp=STAMP)
    return tenant_id


def gone(api: Api, tenant_id: TenantId) -> None:
    """All it has was released, and its slug is free."""
    with api.ledger.open("test") as session:
        saga = session.record(tenant_id, c.Decommission(), stamp=STAMP)
        for resource in reversed(saga.live_resources):
            session.record(tenant_id, c.ConfirmReleased(saga.generation, resource.kind, resource.name), stamp=STAMP)
        session.record(tenant_id, c.Settle(saga.generation), stamp=STAMP)


def phase(api: Api, tenant_id: TenantId) -> str:
    with api.ledger.open("test") as session:
        saga = session.saga(tenant_id)
    assert saga is not None
    return saga.phase


@pytest.mark.parametrize("action", ["decommission", "escalate"])
def test_a_request_of_long_ago_does_nothing_to_the_tenant_that_has_its_slug_now(api: Api, action: str):
    """The documented request, sent again when its idempotency key has expired."""
    former = active(api, 1)
    request = documented(former, "acme")
    assert api.post(f"/tenants/acme/{action}", request).is_success
    gone(api, former)
    present = active(api, 2)
    answer = api.post(f"/tenants/acme/{action}", request)
    assert (answer.status_code, answer.json()["field"]) == (409, "tenant_id")
    assert str(present) in answer.json()["detail"]
    assert "Nothing was done" in answer.json()["detail"]
    assert phase(api, present) == "Active"


def test_a_former_tenant_that_is_named_by_its_id_alone_is_refused_as_what_it_is(api: Api):
    former = active(api, 1)
    gone(api, former)
    present = active(api, 2)
    answer = api.post(f"/tenants/{former}/decommission", {**WHY, "confirm_slug": "acme"})
    assert (answer.status_code, "Decommissioned" in answer.json()["detail"]) == (409, True)
    assert phase(api, present) == "Active"


def test_a_client_that_sends_only_the_slug_learns_which_field_to_send(api: Api):
    tenant_id = active(api, 1)
    answer = api.post("/tenants/acme/decommission", {**WHY, "confirm_slug": "acme"})
    assert (answer.status_code, answer.json()["field"]) == (409, "tenant_id")
    assert "Send the tenant's id as tenant_id" in answer.json()["detail"]
    assert phase(api, tenant_id) == "Active"


@pytest.mark.parametrize("ref", ["the id", "the slug"])
def test_the_id_is_named_in_the_body_or_in_the_path(api: Api, ref: str):
    tenant_id = active(api, 1)
    path, body = (f"{tenant_id}", {}) if ref == "the id" else ("acme", {"tenant_id": str(tenant_id).upper()})
    answer = api.post(f"/tenants/{path}/decommission", {**WHY, "confirm_slug": "acme", **body})
    assert answer.status_code == 202


@pytest.mark.parametrize("body", [{}, {"confirm_slug": "acme"}, {"confirm_slug": "another"}])
def test_a_cancel_behind_the_point_of_no_return_names_id_and_slug(api: Api, body: dict[str, str]):
    tenant_id, run_id = TenantId(UUID(int=1)), "run-1"
    parameters = Parameters("acme", "Acme", "starter", real_systems.REGION, "ada@acme.test")
    life = (start(run_id, parameters, tenant_id), *done(*ORDER[:-1], run_id=run_id))  # type: ignore[arg-type]
    with api.ledger.open("test") as session:
        session.record(tenant_id, *life, stamp=STAMP)
    answer = api.post("/tenants/acme/cancel", {**WHY, **body})
    assert (answer.status_code, phase(api, tenant_id)) == (409, "Provisioning")
    assert answer.json()["field"] == ("tenant_id" if body.get("confirm_slug") == "acme" else "confirm_slug")
    assert api.post("/tenants/acme/cancel", documented(tenant_id, "acme")).status_code == 202


def test_a_cancel_before_it_names_nothing(api: Api):
    _, slug = api.tenant("Provisioning")
    assert api.post(f"/tenants/{slug}/cancel", WHY).status_code == 202


def test_a_forced_reset_names_the_id(api: Api):
    api.caller = ENGINEER
    tenant_id, slug = api.tenant("Provisioning")
    forced = {**WHY, "force": True}
    assert api.post(f"/tenants/{slug}/reset", forced).json()["field"] == "tenant_id"
    assert api.post(f"/tenants/{slug}/reset", {**forced, "tenant_id": str(tenant_id)}).status_code == 200


@pytest.mark.parametrize(("state", "needed"), [("Failed settled", True), ("Decommissioned", False)])
def test_a_recreate_names_the_id_of_the_tenant_that_it_decommissions(api: Api, state: str, needed: bool):
    tenant_id, slug = api.tenant(state)
    answer = api.post(f"/tenants/{slug}/recreate", WHY)
    assert (answer.status_code == 409) is needed
    if needed:
        assert answer.json()["field"] == "tenant_id"
        assert api.post(f"/tenants/{slug}/recreate", {**WHY, "tenant_id": str(tenant_id)}).status_code == 201


def test_what_has_to_be_named_is_in_what_is_allowed(api: Api):
    tenant_id = active(api, 1)
    with api.ledger.open("test") as session:
        assert session.saga(tenant_id)
    rehearsal = api.post("/tenants/acme/decommission", WHY, dry_run=True).json()
    assert (rehearsal["allowed"], rehearsal["confirm_slug"], rehearsal["confirm_id"]) == (False, True, True)
    named = api.post("/tenants/acme/decommission", documented(tenant_id, "acme"), dry_run=True).json()
    assert (named["allowed"], named["confirm_id"]) == (True, True)


def test_a_tenant_that_passes_the_point_of_no_return_while_it_is_cancelled_is_not_destroyed_unconfirmed(api: Api):
    """The decision is the ledger's, in its transaction, and not that of whoever looked before."""
    with api.ledger.open("test") as session:
        parameters = Parameters("acme", "Acme", "starter", real_systems.REGION, "ada@acme.test")
        mine = TenantId(UUID(int=7))
        life = (start("run-7", parameters, mine), *done(*ORDER[:-1], run_id="run-7"))  # type: ignore[arg-type]
        flip = (begin(ORDER[-1], 1, "run-7"), fail(ORDER[-1], 1, "run-7"), give_up(ORDER[-1], 1, "run-7"))  # type: ignore[arg-type]
        session.record(mine, *life, *flip, stamp=STAMP)
        with pytest.raises(Refused, match="Type the slug acme"):
            session.record(mine, c.Confirmed(c.Cancel()), stamp=STAMP)
    assert phase(api, mine) == "Failed retained"
