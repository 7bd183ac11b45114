"""The ledger is restored from a backup that is older than the outside world: known tenants continue, unknown ones are
reported.

These tests have a sandbox of their own, because it loses its ledger. One scenario serves all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from sandbox import lifecycle
from sandbox.access import Access
from sandbox.faults.client import FaultClient
from sandbox.layout import PROJECT, Layout
from tenancy.ledger.envelope import find_chain_break
from tenancy.ledger.ledger import Ledger
from tenancy.saga.names import TenantId
from tests import real_systems
from tests.acceptance import backups, operators, runs
from tests.acceptance.gates import connected
from tests.acceptance.tenant_objects import assert_complete, find_objects
from tests.acceptance.test_reality_check import check
from tests.sandboxes import AIRFLOW_OPTIONS

PATIENCE_SECONDS = 240.0
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Scenario:
    """What became of tenants that were made at different moments around the backup."""

    access: Access
    kept: str = "kept"
    """Active before and after."""
    waiting: str = "waiting"
    """Its run waits for its pods all the time."""
    became: str = "became"
    """Was at its third activity in the backup, and became Active after it."""
    undone: str = "undone"
    """Waited for its pods in the backup; was cancelled after it, and nothing was left of it."""
    gone: str = "gone"
    """Active in the backup, decommissioned after it."""
    late: str = "late"
    """Was requested after the backup."""

    def phase(self, slug: str) -> str:
        return runs.phase(self.access, slug)

    def until_all(self, phases: dict[str, str]) -> None:
        def look() -> bool:
            return all(self.phase(slug) == phase for slug, phase in phases.items())

        runs.wait_until(look, f"{phases}", seconds=PATIENCE_SECONDS, every=0.5)


@pytest.fixture(scope="module")
def access() -> Iterator[Access]:
    layout = Layout.find(PROJECT / ".sandbox-restore")
    lifecycle.down(layout, purge=True)
    lifecycle.up(layout, airflow_options=AIRFLOW_OPTIONS, usual_ports=False)
    yield Access(layout)
    lifecycle.down(layout, purge=True)


@pytest.fixture(scope="module")
def restored(access: Access, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scenario, backups.Facts]:
    scenario, fault_client, folder = Scenario(access), FaultClient(access.layout), tmp_path_factory.mktemp("backup")
    known = _back_up(scenario, fault_client, folder)
    _go_on(scenario)
    backups.run(access, folder, *backups.RESTORE)
    fault_client.clear()
    _reconcile(scenario)
    check(access)
    return scenario, known


def _back_up(scenario: Scenario, fault_client: FaultClient, folder: Path) -> backups.Facts:
    """While sagas run: two wait for their pods, one is at its third activity."""
    for slug in (scenario.waiting, scenario.undone):
        fault_client.set("slow-start", tenant=slug, seconds=600)
    for slug in (scenario.kept, scenario.gone, scenario.waiting, scenario.undone):
        _request(scenario, slug)
    scenario.until_all({scenario.kept: "Active", scenario.gone: "Active"})
    for slug in (scenario.waiting, scenario.undone):
        runs.wait_until(
            lambda slug=slug: runs.is_waiting_for_pods(scenario.access, slug), f"{slug} to wait for its pods"
        )
    held = fault_client.set("handles-locked")
    _request(scenario, scenario.became)
    runs.wait_until(lambda: _activity(scenario, scenario.became) == "allocate_workflow_handle", "a tenant to be held")
    known = backups.facts(scenario.access)
    backups.run(scenario.access, folder, backups.BACKUP)
    fault_client.clear(held.id)
    return known


def _request(scenario: Scenario, slug: str) -> None:
    """Under an id of its own, so that it may be asked again when a busy machine did not respond in time."""
    body = {"dag_run_id": f"restore__{slug}", "logical_date": None, "conf": runs.request(slug)}

    def asked() -> bool:
        try:
            with scenario.access.client("operator") as client:
                return client.post(f"{runs.DAG}/dagRuns", json=body).status_code in {200, 409}
        except httpx.TimeoutException:
            return False

    runs.wait_until(asked, f"a run for {slug}", seconds=PATIENCE_SECONDS)


def _activity(scenario: Scenario, slug: str) -> str:
    row = runs.tenant(scenario.access, slug)
    return str(row["activity"]) if row else ""


def _go_on(scenario: Scenario) -> None:
    """What the backup knows nothing of."""
    operators.perform(scenario.access, scenario.gone, "decommission", confirm_slug=scenario.gone)
    _request(scenario, scenario.late)
    operators.perform(scenario.access, scenario.undone, "cancel")
    scenario.until_all(
        {
            scenario.became: "Active",
            scenario.late: "Active",
            scenario.undone: "Failed settled",
            scenario.gone: "Decommissioned",
        }
    )
    with connected(_database(scenario.access, scenario.became)) as database:
        database.execute("create table tenant.of_a_customer (name text)")


def _database(access: Access, slug: str) -> str:
    (name,) = find_objects(access, slug).databases
    return access.superuser_dsn("storage", name)


def _reconcile(scenario: Scenario) -> None:
    """By the passes that come by themselves, every half minute."""
    scenario.until_all({scenario.waiting: "Active", scenario.became: "Active", scenario.undone: "Failed settled"})


def test_the_commands_are_those_of_the_documentation():
    page = (PROJECT / "docs" / "operating" / "backup-and-restore.md").read_text()
    lines = {line.strip() for line in page.splitlines()}
    assert [each for each in (backups.BACKUP, *backups.RESTORE) if each not in lines] == []


def test_the_facts_of_the_backup_are_whole_and_continue_from_there(restored: tuple[Scenario, backups.Facts]):
    scenario, known = restored
    now = backups.facts(scenario.access)
    assert known
    assert known < now
    with Ledger(real_systems.as_dsn(scenario.access.ledger_dsn, "the ledger")).open("test") as ledger:
        for stream in {stream for stream, _, _ in now}:
            assert find_chain_break(ledger.envelopes(TenantId(UUID(stream)))) is None


def test_a_tenant_that_became_active_after_it_is_active_again_with_its_customers_data(
    restored: tuple[Scenario, backups.Facts],
):
    scenario, _ = restored
    assert scenario.phase(scenario.became) == "Active"
    with connected(_database(scenario.access, scenario.became)) as database:
        assert database.execute("select to_regclass('tenant.of_a_customer')").fetchone() != (None,)
    holds = runs.ledger(
        scenario.access, "select data ->> 'message' as message from ledger.fact where kind like '%%.held'"
    )
    assert [row["message"] for row in holds if "may have been restored from a backup" in row["message"]]


def test_a_run_that_lived_through_it_continues_to_active(restored: tuple[Scenario, backups.Facts]):
    scenario, _ = restored
    assert_complete(scenario.access, scenario.waiting)
    assert_complete(scenario.access, scenario.kept)


def test_a_tenant_that_was_undone_after_it_is_settled_once_more(restored: tuple[Scenario, backups.Facts]):
    scenario, _ = restored
    assert scenario.phase(scenario.undone) == "Failed settled"
    assert find_objects(scenario.access, scenario.undone).is_empty


def test_a_tenant_of_which_it_knows_nothing_is_reported_with_how_to_remove_it(restored: tuple[Scenario, backups.Facts]):
    scenario, _ = restored
    assert scenario.phase(scenario.late) == "unknown"
    left = assert_complete(scenario.access, scenario.late)
    advice = {found["kind"]: found["said"] for found in _findings(scenario, "orphan")}
    assert f'drop database "{left.databases[0]}" with (force)' in advice["database"]
    assert f'drop role "{left.roles[0]}"' in advice["role"]
    assert f"delete {left.connections[0]}" in advice["connection"]
    assert f"kubectl delete namespace {left.namespaces[0]}" in advice["namespace"]
    assert {found["name"] for found in _findings(scenario, "orphan")} == {
        *left.databases,
        *left.connections,
        *left.namespaces,
    }


def test_what_an_active_tenant_lost_meanwhile_is_reported_until_it_is_decommissioned(
    restored: tuple[Scenario, backups.Facts],
):
    scenario, _ = restored
    assert scenario.phase(scenario.gone) == "Active"
    missing = _findings(scenario, "missing")
    assert {found["slug"] for found in missing} == {scenario.gone}
    assert {"role", "database", "connection", "namespace"} <= {found["kind"] for found in missing}
    assert f"decommission {scenario.gone} and recreate it" in missing[0]["said"]

    operators.perform(scenario.access, scenario.gone, "decommission", confirm_slug=scenario.gone)
    scenario.until_all({scenario.gone: "Decommissioned"})


def test_no_row_differs_from_its_facts(restored: tuple[Scenario, backups.Facts]):
    assert _findings(restored[0], "drift") == []


def _findings(scenario: Scenario, what: str) -> list[dict[str, str]]:
    findings = operators.get(scenario.access, "/findings")["findings"]
    return [finding for finding in findings if finding["what"] == what]
