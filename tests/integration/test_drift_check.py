"""The reality check: every difference between ledger and world is told once, until it is mended; nothing is touched."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from psycopg import sql

from tenancy.adapters.airflow_api import Handle
from tenancy.adapters.cluster import Cluster
from tenancy.engine.reconciliation.drift_check import run_drift_check
from tenancy.ledger import findings, heartbeats
from tenancy.ledger.findings import OpenFinding
from tenancy.saga import commands as c
from tenancy.saga.errors import PermanentError, TransientError
from tenancy.saga.names import RunId
from tenancy.saga.tenant import Resource
from tests import clusters
from tests.conformance.server import Server
from tests.contract.fake_handles import FakeHandles
from tests.integration.engine_harness import DEPLOY, ORDER, SCHEMA, EngineHarness
from tests.products import PLAN
from tests.real_systems import superuser, without_guards

KINDS = [kind for activity in PLAN for kind in activity.resources]


def found(harness: EngineHarness) -> list[tuple[str, str]]:
    """What and kind of all that is found now, sorted."""
    return sorted((each.finding.what.value, each.finding.kind) for each in opened(harness))


def opened(harness: EngineHarness) -> list[OpenFinding]:
    with harness.tenancy.ledger.open("test") as ledger:
        return findings.load_open_findings(ledger)


def forget_all(harness: EngineHarness) -> None:
    """The ledger as after a restore from a backup that is older than the tenant."""
    with without_guards(harness.server, harness.ledger.dbname) as connection:
        connection.execute("truncate ledger.fact, ledger.resource, ledger.run, ledger.tenant")


def edit(harness: EngineHarness, statement: str) -> None:
    with without_guards(harness.server, harness.ledger.dbname) as connection:
        connection.execute(statement.encode())


def test_a_pass_leaves_its_beat_and_finds_nothing_where_all_is_well(harness: EngineHarness):
    harness.run_all()
    assert run_drift_check(harness.tenancy) == "nothing found"
    with harness.tenancy.ledger.open("test") as ledger:
        (beat,) = heartbeats.load_heartbeats(ledger)
    assert (beat.name, beat.summary) == ("reality check", "nothing found")


def test_nothing_is_found_at_any_moment_of_a_tenants_life(harness: EngineHarness):
    for activity in ORDER:
        harness.run(activity)
        assert run_drift_check(harness.tenancy) == "nothing found"
    harness.record_commands(c.Decommission())
    assert run_drift_check(harness.tenancy) == "nothing found"
    harness.unwind()
    assert run_drift_check(harness.tenancy) == "nothing found"


def test_a_failed_attempt_leaves_nothing_to_be_found(harness: EngineHarness):
    harness.fail_at(DEPLOY)
    assert run_drift_check(harness.tenancy) == "nothing found"
    harness.give_up(DEPLOY)
    assert run_drift_check(harness.tenancy) == "nothing found"


def test_a_tenant_that_is_provisioned_during_the_check_is_no_orphan(harness: EngineHarness):
    harness.handles.meanwhile = lambda: harness.run_all() and None
    assert run_drift_check(harness.tenancy) == "nothing found"
    assert harness.saga.phase == "Active"


def test_a_tenant_that_is_decommissioned_during_the_check_misses_nothing(harness: EngineHarness):
    harness.run_all()

    def decommissions() -> None:
        harness.record_commands(c.Decommission())
        harness.unwind()

    harness.handles.meanwhile = decommissions
    assert run_drift_check(harness.tenancy) == "nothing found"
    assert harness.saga.phase == "Decommissioned"


def test_what_no_ledger_names_is_reported_once_and_left_alone(harness: EngineHarness):
    harness.run_all()
    tenant_id, outside = harness.tenant_id, harness.external_objects
    forget_all(harness)
    assert run_drift_check(harness.tenancy) == "6 orphan"
    assert found(harness) == sorted(("orphan", kind) for kind in KINDS)
    first = opened(harness)
    assert {each.finding.tenant_id for each in first} == {tenant_id}
    assert run_drift_check(harness.tenancy) == "6 orphan"
    again = opened(harness)
    assert [(each.finding, each.opened_at) for each in again] == [(each.finding, each.opened_at) for each in first]
    assert all(new.confirmed_at > old.confirmed_at for new, old in zip(again, first, strict=True))
    assert harness.external_objects == outside


def test_an_orphan_that_was_removed_manually_is_gone(harness: EngineHarness):
    harness.run(ORDER[0])
    harness.run(ORDER[1])
    forget_all(harness)
    run_drift_check(harness.tenancy)
    for name in harness.external_objects["database"]:
        execute(harness, "drop database {} with (force)", name)
    assert run_drift_check(harness.tenancy) == "1 orphan"
    assert found(harness) == [("orphan", "role")]


def test_what_came_late_after_settled_is_an_orphan_of_its_tenant(harness: EngineHarness):
    harness.fail_at(SCHEMA)
    assert harness.give_up(SCHEMA)
    late = next(r for r in harness.saga.resources if r.kind == "connection")
    harness.handles.create_handle(Handle(late.name, late.proof, "h", 1, "d", "u", "secret"))
    assert run_drift_check(harness.tenancy) == "1 orphan"
    (only,) = opened(harness)
    assert (only.finding.kind, only.slug, only.finding.region) == ("connection", "acme", "")
    assert f"delete {late.name}" in only.finding.message


# -- missing


def execute(harness: EngineHarness, statement: str, name: str, database: str = "postgres") -> None:
    with superuser(harness.server, database) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))  # type: ignore[arg-type]


def lose_role(harness: EngineHarness, role: Resource) -> None:
    execute(harness, "alter database {} owner to postgres", role.name)
    execute(harness, "drop owned by {} cascade", role.name, role.name)
    execute(harness, "drop role {}", role.name)


def lose_release(harness: EngineHarness, release: Resource) -> None:
    path = f"/api/v1/namespaces/{release.name}/secrets"
    for secret in harness.kubernetes.items(f"{path}?labelSelector=owner%3Dhelm"):
        harness.kubernetes.ask("DELETE", f"{path}/{secret['metadata']['name']}")


LOSE: dict[str, tuple[Callable[[EngineHarness, Resource], None], set[str]]] = {
    "role": (lose_role, {"role"}),  # its schema goes, too, but nobody may enter the database any more
    "database": (lambda s, r: execute(s, "drop database {} with (force)", r.name), {"database", "schema"}),
    "connection": (lambda s, r: s.handles.delete_handle(r.name), {"connection"}),
    "schema": (lambda s, r: execute(s, "drop schema {} cascade", "tenant", r.name), {"schema"}),
    "namespace": (
        lambda s, r: s.kubernetes.merge(
            f"/api/v1/namespaces/{r.name}", {"metadata": {"annotations": {"tenancy.internal/proof": None}}}
        ),
        {"namespace", "release"},
    ),
    "release": (lose_release, {"release"}),
}
"""How each kind goes missing, and what is missing then."""


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_active_tenant_has_lost_is_reported(harness: EngineHarness, kind: str):
    saga = harness.run_all()
    lose, gone = LOSE[kind]
    lose(harness, next(r for r in saga.resources if r.kind == kind))
    assert run_drift_check(harness.tenancy) == f"{len(gone)} missing"
    assert found(harness) == sorted(("missing", each) for each in gone)
    assert {each.slug for each in opened(harness)} == {"acme"}


def test_a_resource_that_was_restored_is_missing_no_more(harness: EngineHarness):
    harness.run_all()
    (handle,) = harness.handles.stored.values()
    harness.handles.delete_handle(handle.name)
    assert run_drift_check(harness.tenancy) == "1 missing"
    harness.handles.create_handle(handle)
    assert run_drift_check(harness.tenancy) == "nothing found"
    assert opened(harness) == []


class Inattentive(FakeHandles):
    """Overlooks everything at the first look, as a page does that shifts while it is read."""

    overlooked = False

    def handles(self) -> Iterator[Handle]:
        if not self.overlooked:
            self.overlooked = True
            return iter(())
        return super().handles()


def test_a_resource_that_a_second_check_finds_is_not_missing(harness: EngineHarness):
    harness.run_all()
    handles = Inattentive()
    handles.stored = harness.handles.stored
    clients = replace(harness.tenancy.clients, handles=lambda: handles)
    assert run_drift_check(replace(harness.tenancy, clients=clients)) == "nothing found"
    assert handles.overlooked


def test_a_database_that_lets_nobody_in_hides_neither_itself_nor_others(harness: EngineHarness):
    saga = harness.run_all()
    database = next(r for r in saga.resources if r.kind == "database")
    execute(harness, "alter database {} connection limit 0", database.name)
    assert run_drift_check(harness.tenancy) == "nothing found"


# -- a region that does not respond


def without_cluster(harness: EngineHarness) -> EngineHarness:
    def away(_region: object) -> None:
        raise TransientError("The cluster of region eu-central does not respond.")

    clients = replace(harness.tenancy.clients, cluster=away)  # type: ignore[arg-type]
    harness.tenancy = replace(harness.tenancy, clients=clients)
    return harness


def test_a_region_that_does_not_answer_is_reported_and_misses_nothing(harness: EngineHarness):
    harness.run_all()
    summary = run_drift_check(without_cluster(harness).tenancy)
    assert summary == (
        "nothing found; not checked: namespace and release in eu-central "
        "(The cluster of region eu-central does not respond)"
    )
    assert opened(harness) == []


def test_a_finding_stays_until_somebody_could_look(harness: EngineHarness):
    saga = harness.run_all()
    lose, gone = LOSE["release"]
    lose(harness, next(r for r in saga.resources if r.kind == "release"))
    run_drift_check(harness.tenancy)
    assert "nothing found; not checked" in run_drift_check(without_cluster(harness).tenancy)
    assert found(harness) == [("missing", kind) for kind in gone]


def test_a_tenant_of_a_removed_region_misses_nothing(harness: EngineHarness):
    harness.run_all()
    platform = harness.tenancy.platform
    moved = {"us-east": replace(platform.regions["eu-central"], name="us-east")}
    harness.tenancy = replace(harness.tenancy, platform=replace(platform, regions=moved))
    assert run_drift_check(harness.tenancy) == "nothing found"


# -- manual drift


def test_an_edited_tenant_is_reported_until_its_next_fact_writes_the_row_anew(harness: EngineHarness):
    harness.run(ORDER[0])
    edit(harness, "update ledger.tenant set plan = 'business', attempt = 7")
    assert run_drift_check(harness.tenancy) == "1 edited"
    (only,) = opened(harness)
    assert (only.finding.kind, only.slug) == ("tenant", "acme")
    assert "plan is business, by its facts starter; attempt is 7, by its facts 1" in only.finding.message
    harness.record_commands(c.Escalate())
    assert run_drift_check(harness.tenancy) == "nothing found"


@pytest.mark.parametrize(
    ("statement", "kind", "expected"),
    [
        ("update ledger.resource set state = 'released' where kind = 'role'", "role", "state is released, by its"),
        ("delete from ledger.resource where kind = 'database'", "database", "it was deleted"),
        ("update ledger.tenant set past_no_return = true", "tenant", "past_no_return is True, by its facts False"),
        ("update ledger.tenant set product = 'other'", "tenant", "product is other, by its facts sample"),
        ("update ledger.run set run_id = 'other'", "run", "run_id is other, by its facts run-1"),
        ("delete from ledger.run", "run", "it was deleted"),
        ("delete from ledger.tenant", "tenant", "it was deleted"),
        ("update ledger.fact set actor = 'mallory' where seq = 3", "facts", "breaks at fact 3"),
        ("update ledger.fact set data = '{}' where seq = 1", "facts", "not all of them can be read"),
        ("delete from ledger.fact", "facts", "it has a row and no facts"),
    ],
)
def test_every_edit_of_the_ledger_is_reported(harness: EngineHarness, statement: str, kind: str, expected: str):
    harness.run_until(SCHEMA)
    edit(harness, statement)
    run_drift_check(harness.tenancy)
    messages = {each.finding.kind: each.finding.message for each in opened(harness) if each.finding.what == "drift"}
    assert list(messages) == [kind]
    assert expected in messages[kind]


def test_one_tenants_problem_does_not_hide_anothers(harness: EngineHarness):
    harness.run(ORDER[0])
    edit(harness, "update ledger.fact set data = '{}' where seq = 1")
    edit(harness, "update ledger.tenant set slug = 'other'")
    harness.run(ORDER[0], run_id=RunId("run-2"), slug="acme")
    edit(harness, "update ledger.tenant set name = 'Edited' where slug = 'acme'")
    run_drift_check(harness.tenancy)
    assert found(harness) == [("drift", "facts"), ("drift", "tenant")]


# -- edited


def _edit_deployment(harness: EngineHarness, release: Resource, spec: dict[str, object]) -> None:
    path = f"/apis/apps/v1/namespaces/{release.name}/deployments/{release.name}?fieldManager=kubectl-edit"
    harness.kubernetes.ask("PATCH", path, {"spec": spec}, "application/strategic-merge-patch+json")


def _image(image: str) -> dict[str, object]:
    return {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}


EDITS = {
    "image": (_image("registry.example/miner:1"), _image("ghcr.io/example/tenant-app:1.0"), "app].image is registry"),
    "replicas": ({"replicas": 0}, {"replicas": 3}, "spec.replicas is 0"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_active_tenants_edited_workload_is_reported_until_it_is_put_back(harness: EngineHarness, edit: str):
    saga = harness.run_all()
    release = next(resource for resource in saga.resources if resource.kind == "release")
    changed, put_back, words = EDITS[edit]
    _edit_deployment(harness, release, changed)
    assert run_drift_check(harness.tenancy) == "1 edited"
    (only,) = opened(harness)
    assert (only.finding.kind, only.slug) == ("release", "acme")
    assert words in only.finding.message
    assert "(by kubectl-edit)" in only.finding.message
    _edit_deployment(harness, release, put_back)
    assert run_drift_check(harness.tenancy) == "nothing found"
    assert opened(harness) == []


@pytest.mark.parametrize("edit", EDITS)
def test_an_active_tenants_edited_workload_is_noticed_when_its_run_is_cleared(harness: EngineHarness, edit: str):
    saga = harness.run_all()
    release = next(resource for resource in saga.resources if resource.kind == "release")
    changed, _, words = EDITS[edit]
    _edit_deployment(harness, release, changed)
    with pytest.raises(PermanentError, match="The tenant is Active, but: the release ") as noticed:
        harness.run(DEPLOY, 2)
    assert words in str(noticed.value)


def test_nothing_is_missing_when_another_system_answers(harness: EngineHarness, cluster_server: Server):
    """An empty cluster, another Airflow behind the connection: it is said, and nothing is called missing."""
    harness.run_all()
    ours = harness.tenancy.clients
    clients = replace(ours, handles=_other_airflow, cluster=lambda _: _OtherCluster(cluster_server))
    harness.tenancy = replace(harness.tenancy, clients=clients)
    summary = run_drift_check(harness.tenancy)
    assert found(harness) == []
    assert "another system responds, airflow:another; 1 resources were made in airflow:fake" in summary
    assert "another system responds, kubernetes:another; 2 resources were made in kubernetes:" in summary
    harness.tenancy = replace(harness.tenancy, clients=ours)
    assert run_drift_check(harness.tenancy) == "nothing found"


def _other_airflow() -> FakeHandles:
    other = FakeHandles()
    other.system = "airflow:another"
    return other


class _OtherCluster(Cluster):
    """One that has nothing of ours."""

    def __init__(self, server: Server) -> None:
        super().__init__(*clusters.kubernetes_and_helm(server))
        self.releases = self.namespaces = _Nothing()  # type: ignore[assignment]

    def identity(self) -> str:
        return "kubernetes:another"


class _Nothing:
    def of_platform(self, _platform: str) -> list[str]:
        return []

    def find_edited(self, _platform: str) -> dict[str, str]:
        return {}


def test_what_moved_to_a_declared_successor_is_missing_when_it_is_not_there(harness: EngineHarness):
    harness.run_all()
    recorded = next(each.system for each in harness.saga.resources if each.kind == "connection")
    platform = replace(harness.tenancy.platform, replaced_systems={recorded: "airflow:another"})
    harness.tenancy = replace(
        harness.tenancy, platform=platform, clients=replace(harness.tenancy.clients, handles=_other_airflow)
    )
    run_drift_check(harness.tenancy)
    assert found(harness) == [("missing", "connection")]
