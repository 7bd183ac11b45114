"""A thousand tenants of a ledger that version 0.1 left, at every point of their lives, migrate and continue."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from installation import ledger_tables
from installation.database_setup import OwnedDatabase, ensure
from sandbox.postgres import PostgresServer
from tenancy.engine.reconciliation.ledger_drift import find_ledger_drift
from tenancy.ledger import inventory
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, LedgerSession
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.commands import Command
from tenancy.saga.names import RunId
from tenancy.saga.tenant import Saga
from tests.integration import ledger_0009
from tests.integration.ledger_0009 import OlderTenant
from tests.real_systems import as_dsn, superuser
from tests.unit.sagas import PLAN

COUNT = 1000
STAMP = Stamp("ada")


@pytest.fixture(scope="module")
def older() -> list[OlderTenant]:
    return ledger_0009.tenants(COUNT)


@pytest.fixture(scope="module")
def ledger(fast_server: PostgresServer, older: list[OlderTenant]) -> Iterator[Ledger]:
    """The older ledger after this version's installation has been run."""
    name = f"ledger_{secrets.token_hex(4)}"
    owned = OwnedDatabase(name, "a password", owner=f"{name}_owner")
    with superuser(fast_server) as connection:
        ensure(connection, [replace(owned, owner="")])
    url = fast_server.dsn(name, name, owned.password)
    ledger_0009.fill(url, older)
    with superuser(fast_server) as connection:
        ensure(connection, [owned])
    ledger_tables.prepare(fast_server.superuser_dsn(name), owner=owned.owner, writer=name)
    yield Ledger(as_dsn(url, "the ledger"))
    with superuser(fast_server) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def session(ledger: Ledger) -> Iterator[LedgerSession]:
    with ledger.open("tenancy test") as opened:
        yield opened


def test_every_phase_is_among_them(older: list[OlderTenant]):
    assert len({tenant.phase for tenant in older}) == 10
    assert len(older) == COUNT


def test_every_tenant_is_what_it_was(session: LedgerSession, older: list[OlderTenant]):
    found = {tenant.slug: _saga(session, tenant).phase for tenant in older}
    assert found == {tenant.slug: tenant.phase for tenant in older}


def test_no_row_differs_from_its_facts_and_no_chain_is_broken(session: LedgerSession):
    assert [
        finding.message for stored in inventory.load_stored_tenants(session) for finding in find_ledger_drift(stored)
    ] == []


def test_nothing_that_once_passed_the_wait_for_its_workloads_is_destroyed_by_a_failure(
    session: LedgerSession, older: list[OlderTenant]
):
    """What was Active or kept holds a customer's data, although no older fact says so in so many words."""
    retried = [tenant for tenant in older if tenant.phase == "Failed ready" and _had_data(tenant)]
    assert retried
    for tenant in retried:
        run_id = RunId(f"{tenant.slug}-again")
        saga = _saga(session, tenant)
        session.record(
            tenant.tenant_id, c.StartAttempt(tenant.tenant_id, run_id, saga.parameters, PLAN, "1"), stamp=STAMP
        )
        after = session.record(tenant.tenant_id, c.GiveUp(run_id, "it failed"), stamp=STAMP)
        assert after.phase == "Failed retained", tenant


NEXT: dict[str, Command] = {
    "Provisioning": c.Cancel(),
    "Cancelling": c.Cancel(),
    "Failed unwinding": c.Cancel(),
    "Failed stuck": c.Cancel(),
    "Failed settled": c.Reset(),
    "Failed retained": c.Reset(),
    "Failed ready": c.Decommission(),
    "Active": c.Escalate(),
    "Decommissioning": c.Decommission(),
}
"""What an operator can ask for in each phase but the last."""


def test_every_tenant_continues(session: LedgerSession, older: list[OlderTenant]):
    for tenant in older:
        before = _saga(session, tenant)
        if before.phase in NEXT:
            assert session.record(tenant.tenant_id, NEXT[before.phase], stamp=STAMP).seq > before.seq


def _had_data(tenant: OlderTenant) -> bool:
    kinds = [fact["kind"] for fact in tenant.facts]
    retained = any(fact["data"].get("retained") for fact in tenant.facts)
    return retained or f.ProvisioningCompleted.kind in kinds


def _saga(session: LedgerSession, tenant: OlderTenant) -> Saga:
    saga = session.saga(tenant.tenant_id)
    assert saga is not None
    return saga
