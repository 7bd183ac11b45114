"""The platform's health: what is the worst, whose trouble it is, and how what was seen is judged."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from tenancy.adapters.cluster_health import ClusterStatus, pending_pods
from tenancy.adapters.engine_health import ComponentHeartbeat, EngineWork, PoolStatus
from tenancy.adapters.ingress_health import IngressStatus
from tenancy.adapters.server_health import ServerStatus, WriteLocks
from tenancy.adapters.sqlalchemy_url import dsn_of_url
from tenancy.adapters.storage_health import OpenDatabase, StorageStatus
from tenancy.adapters.storage_rights import MissingRight
from tenancy.engine.engine_report import all_dags
from tenancy.engine.health import engine_verdicts as of_engine
from tenancy.engine.health import storage_verdicts, verdicts
from tenancy.engine.health.check_results import CheckResult, Condition, Health, System, with_since
from tenancy.engine.health.health_checks import Probes, health_checks
from tenancy.ledger.heartbeats import Heartbeat
from tenancy.saga.causes import Cause
from tenancy.saga.errors import ProductFileError
from tenancy.saga.product import Product
from tests import real_systems
from tests.products import SAMPLE, FewProducts

OK, DEGRADED, DOWN, UNKNOWN = Condition.OK, Condition.DEGRADED, Condition.DOWN, Condition.UNKNOWN
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PLATFORM = real_systems.platform()
REGION = PLATFORM.regions[real_systems.REGION]
SERVER = ServerStatus(
    version="18.4", sessions=20, slots=97, own_sessions=3, role_limit=-1, read_only=False, databases=12,
    size_bytes=8_000_000, longest_wait_seconds=None,
)  # fmt: skip
STORAGE = StorageStatus(SERVER, "storage_admin")
NO_CREATEDB = MissingRight("CREATEDB", "create tenants' databases", 'alter role "a" createdb', vital=True)
NO_STATS = MissingRight("pg_read_all_stats", "tell what holds a database", 'grant x to "a"', vital=False)
NO_ADMIN = MissingRight("the ADMIN option", "drop roles", 'grant "acme" to "a" with admin true', vital=False, count=3)
OPEN = OpenDatabase("template1", "", may_close=False, statement='revoke connect on database "template1" from public;')
CLUSTER = ClusterStatus("v1.32.0", 0.02, nodes=3, nodes_ready=3, pending=0)
DAGS = ("tenant_provisioning", "tenant_compensation")
POOLS = {name: PoolStatus(name, 8, 2, 0, 6) for name in of_engine.pools(real_systems.platform())}
WORK = EngineWork(dict.fromkeys(DAGS, False), 0, None, POOLS)


def _ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def test_a_ledger_whose_writer_may_change_facts_is_degraded():
    assert verdicts.ledger(SERVER, "0009").state is OK
    check = verdicts.ledger(SERVER, "0009", may_rewrite=True)
    assert check.state is DEGRADED
    assert "init" in check.sentence


# -- the whole


def _check(system: System, state: Condition, region: str | None = None, part: str = "") -> CheckResult:
    return CheckResult(system, state, "It says so.", region, part)


ILL = Health(
    (
        _check(System.LEDGER, OK),
        _check(System.ENGINE, DEGRADED, part="queue"),
        _check(System.ENGINE, DEGRADED, part="pool a"),
        _check(System.ENGINE, DEGRADED, part="pool b"),
        _check(System.ENGINE, DEGRADED, part="pool default_pool"),
        _check(System.STORAGE, DOWN, "east"),
        _check(System.STORAGE, OK, "west"),
        _check(System.CLUSTER, UNKNOWN, "east"),
        _check(System.CLUSTER, DOWN, "west"),
        _check(System.CAPACITY, DEGRADED, "east"),
        _check(System.QUOTA, DEGRADED, part="a"),
    )
)


def test_a_platform_is_as_its_worst_system():
    assert Health().state is UNKNOWN
    assert [Health((_check(System.LEDGER, state), _check(System.ENGINE, OK))).state for state in Condition] == [
        DOWN, DEGRADED, UNKNOWN, OK,
    ]  # fmt: skip


def test_a_regions_problems_are_those_of_the_systems_its_tenants_need_the_worst_first():
    assert [check.name for check in ILL.trouble_of("east", pool="a")] == [
        "storage of east",
        "workflow engine: queue",
        "workflow engine: pool a",
        "workflow engine: pool default_pool",
    ]
    assert [check.name for check in ILL.trouble_of("west")] == [
        "cluster of west",
        "workflow engine: queue",
        "workflow engine: pool default_pool",
    ]
    behind = ILL.trouble_of("east", system=Cause.STORAGE_UNREACHABLE.system)
    assert [check.name for check in behind] == ["storage of east"]


def test_a_system_at_fault_has_one_name():
    others = {"schema", "helm", "platform", "input", "unknown"}
    assert {cause.system for cause in Cause} - others <= set(System)


def test_all_trouble_is_reported_the_worst_first():
    assert [check.state for check in ILL.trouble] == [DOWN] * 2 + [DEGRADED] * 6


def test_what_was_wrong_before_is_wrong_since_then():
    first = Health((_check(System.LEDGER, DOWN), _check(System.STORAGE, OK, "east")), _ago(30))
    health = with_since(Health(), first)
    assert [check.since for check in health.checks] == [_ago(30), None]
    worse = Health((_check(System.LEDGER, DEGRADED), _check(System.STORAGE, DOWN, "east")), _ago(10))
    health = with_since(health, worse)
    assert [check.since for check in health.checks] == [_ago(30), _ago(10)]
    well = Health((_check(System.LEDGER, OK), replace(_check(System.STORAGE, DOWN, "east"), since=_ago(99))), NOW)
    health = with_since(health, well)
    assert [check.since for check in health.checks] == [None, _ago(99)]
    again = with_since(health, Health((_check(System.LEDGER, DOWN),), NOW))
    assert again.checks[0].since == NOW


# -- each system


def _server(**changes: Any) -> StorageStatus:
    return replace(STORAGE, server=replace(SERVER, **changes))


@pytest.mark.parametrize(
    ("status", "state", "sentence"),
    [
        (STORAGE, OK, "It responds; 20 of 97 sessions are taken."),
        (_server(sessions=88), DEGRADED, "Nearly all sessions are taken: 88 of 97."),
        (_server(role_limit=10, own_sessions=9), DEGRADED, "Our role has 9 of the 10 sessions it may have."),
        (_server(read_only=True), DOWN, "It takes no writes"),
        (_server(longest_wait_seconds=10.0), OK, "It responds"),
        (_server(longest_wait_seconds=42.0), DEGRADED, "A session has waited for a lock for 42 s."),
        (replace(STORAGE, missing=(NO_CREATEDB,)), DOWN, "The role storage_admin may not create tenants' databases"),
        (replace(STORAGE, missing=(NO_CREATEDB,)), DOWN, 'alter role "a" createdb;'),
        (replace(STORAGE, missing=(NO_STATS,)), DEGRADED, "it lacks pg_read_all_stats. As a superuser"),
        (replace(STORAGE, missing=(NO_ADMIN,)), DEGRADED, "(and the same for 2 more roles)"),
        (replace(STORAGE, open_databases=(OPEN,)), DEGRADED, 'revoke connect on database "template1" from public;'),
        (replace(STORAGE, open_databases=(OPEN,) * 5), DEGRADED, " and 2 more"),
        (replace(_server(read_only=True), open_databases=(OPEN,)), DOWN, "It takes no writes"),
        (replace(STORAGE, missing=(NO_STATS,), open_databases=(OPEN,)), DEGRADED, "it lacks pg_read_all_stats"),
    ],
)
def test_a_storage_server_is_judged_by_whether_tenants_can_be_made_there(
    status: StorageStatus, state: Condition, sentence: str
):
    check = storage_verdicts.storage(REGION, status)
    assert (check.system, check.region, check.state) == (System.STORAGE, REGION.name, state)
    assert sentence in check.sentence
    assert check.measured["sessions_allowed"] == 97


def test_a_ledger_that_takes_no_writes_is_down():
    check = verdicts.ledger(SERVER, "0003")
    assert (check.state, check.measured["schema"], check.measured["size_mb"]) == (OK, "0003", 8.0)
    assert verdicts.ledger(replace(SERVER, read_only=True), "0003").state is DOWN


@pytest.mark.parametrize(
    ("status", "state", "sentence"),
    [
        (CLUSTER, OK, "Its API responds; 3 of 3 nodes are ready."),
        (replace(CLUSTER, nodes=None, nodes_ready=None, pending=None), OK, "Its API responds."),
        (replace(CLUSTER, nodes_ready=2), DEGRADED, "2 of 3 nodes are ready."),
        (replace(CLUSTER, nodes_ready=0), DOWN, "None of its 3 nodes is ready"),
        (ClusterStatus("v1", 1.4), DEGRADED, "Its API took 1.4 s"),
        (
            replace(CLUSTER, unschedulable=("a/b",), scheduler_message="0/3 nodes."),
            DEGRADED,
            "1 pod finds no node: 0/3 nodes.",
        ),
        (replace(CLUSTER, unschedulable=("a/b", "a/c")), DEGRADED, "2 pods find no node"),
    ],
)
def test_a_cluster_is_judged_by_its_api_its_nodes_and_pods_without_one(
    status: ClusterStatus, state: Condition, sentence: str
):
    check = verdicts.cluster(REGION, status)
    assert (check.state, check.region) == (state, REGION.name)
    assert sentence in check.sentence
    assert None not in check.measured.values()


def test_a_pod_that_is_being_deleted_waits_for_nothing():
    no_node = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes."}
    pod = {"metadata": {"namespace": "n", "name": "p"}, "status": {"conditions": [no_node]}}
    leaving = {**pod, "metadata": {**pod["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    pulling = {"metadata": {"namespace": "n", "name": "q"}, "status": {}}
    assert pending_pods([pod, leaving, pulling]) == (2, ("n/p",), "0/1 nodes.")


@pytest.mark.parametrize(("status", "state"), [(200, OK), (404, OK), (301, OK), (503, DEGRADED)])
def test_any_answer_of_an_ingress_but_a_defect_will_do(status: int, state: Condition):
    assert verdicts.ingress(REGION, IngressStatus("up.t.test", status)).state is state


@pytest.mark.parametrize(("tenants", "state"), [(0, OK), (89, OK), (90, DEGRADED), (100, DEGRADED), (130, DEGRADED)])
def test_room_that_is_nearly_used_up_is_reported(tenants: int, state: Condition):
    place, plan = verdicts.capacity(REGION, tenants), verdicts.quota(PLATFORM.plans["business"], tenants)
    assert (place.state, plan.state, plan.part) == (state, state, "business")
    assert place.measured == {"tenants": tenants, "allowed": 100}
    assert ("no further tenant" in place.sentence) is (tenants >= 100)


def test_a_plan_without_a_quota_is_never_full():
    check = verdicts.quota(PLATFORM.plans["starter"], 1_000_000)
    assert (check.state, check.measured) == (OK, {"tenants": 1_000_000})


# -- the workflow engine


def test_each_part_of_the_engine_is_judged_by_its_heartbeat():
    beats = (
        ComponentHeartbeat("metadatabase", "healthy"),
        ComponentHeartbeat("scheduler", "unhealthy", _ago(77)),
        ComponentHeartbeat("triggerer", "healthy", _ago(2)),
        ComponentHeartbeat("dag_processor", ""),
    )
    checks = {check.part: check for check in of_engine.heartbeats(beats, NOW)}
    assert [check.state for check in checks.values()] == [OK, DOWN, OK, UNKNOWN]
    assert checks["scheduler"].since == _ago(77)
    assert "scheduler sends no heartbeat" in checks["scheduler"].sentence
    assert checks["triggerer"].sentence == "It is running; its last heartbeat was 2.0 s ago."
    assert "dag processor" in checks
    broken = of_engine.heartbeats((ComponentHeartbeat("metadatabase", "unhealthy"),), NOW)
    assert [check.state for check in broken] == [DOWN]


def _work(work: EngineWork) -> dict[str, CheckResult]:
    return {check.part: check for check in of_engine.work(work, PLATFORM, DAGS, NOW)}


def test_all_is_well_while_nothing_is_paused_queued_or_full():
    assert {part: check.state for part, check in _work(WORK).items()} == dict.fromkeys(
        ("DAGs", "queue", "pool default_pool", "pool tenancy_upkeep", f"pool {real_systems.POOL}"), OK
    )


def test_a_paused_dag_is_named_and_one_that_is_not_there_is_worse():
    paused = _work(replace(WORK, dags={**WORK.dags, "tenant_compensation": True}))["DAGs"]
    assert (paused.state, paused.measured["paused"]) == (DEGRADED, 1)
    assert "tenant_compensation" in paused.sentence
    gone = _work(replace(WORK, dags={"tenant_compensation": True}))["DAGs"]
    assert gone.state is DOWN
    assert "tenant_provisioning" in gone.sentence


def test_a_queue_that_moves_is_no_trouble():
    short = _work(replace(WORK, queued=12, queued_since=_ago(20)))["queue"]
    long = _work(replace(WORK, queued=1, queued_since=_ago(95)))["queue"]
    assert (short.state, long.state, long.since) == (OK, DEGRADED, _ago(95))
    assert (short.sentence, long.sentence) == (
        "12 runs wait in it, the first for 20 s.",
        "1 run waits in it, the first for 95 s.",
    )


def test_a_pool_is_full_when_somebody_waits_for_it_and_down_when_it_is_not_there():
    def pools(pool: PoolStatus | None) -> CheckResult:
        return _work(replace(WORK, pools={real_systems.POOL: pool} if pool else {}))[f"pool {real_systems.POOL}"]

    assert pools(PoolStatus(real_systems.POOL, 8, 8, 0, 0)).state is OK
    assert pools(PoolStatus(real_systems.POOL, 8, 8, 3, 0)).sentence == "All 8 slots are taken, and 3 tasks wait."
    assert pools(PoolStatus(real_systems.POOL, 8, 8, 3, 0)).state is DEGRADED
    assert pools(PoolStatus(real_systems.POOL, -1, 300, 3, -1)).state is OK
    assert pools(None).state is DOWN
    assert (
        "the reconciler, the drift check and notifications stop"
        in _work(replace(WORK, pools={}))["pool tenancy_upkeep"].sentence
    )


def test_a_lock_on_what_activities_write_is_reported():
    assert of_engine.database(WriteLocks((), 3.0)).state is OK
    locked = of_engine.database(WriteLocks(("connection",), None))
    assert (locked.state, locked.part) == (DEGRADED, "database")
    assert '"connection"' in locked.sentence
    assert of_engine.database(WriteLocks((), 40.0)).state is DEGRADED


def test_a_reconciler_that_is_late_is_down_and_a_late_reality_check_is_not():
    def states(*beats: Heartbeat) -> list[Condition]:
        return [check.state for check in of_engine.reconcilers(beats, NOW)]

    assert states() == [UNKNOWN, UNKNOWN]
    assert states(Heartbeat("reconciliation", _ago(20), 0.5, ""), Heartbeat("reality check", _ago(1800), 1, "")) == [
        OK,
        OK,
    ]
    late = Heartbeat("reconciliation", _ago(200), 0.5, ""), Heartbeat("reality check", _ago(6000), 1, "")
    assert states(*late) == [DOWN, DEGRADED]
    assert of_engine.reconcilers(late, NOW)[0].since == _ago(200)


# -- words


@pytest.mark.parametrize(
    ("message", "left"),
    [
        (
            'It is full at 127.0.0.1:5433/a: connection failed: connection to server at "::1", port 5 failed: no',
            "It is full: no",
        ),
        (
            "The cluster does not respond at https://10.0.0.1:6443 to GET /version (nothing within 2 s).",
            "The cluster does not respond to GET /version (nothing within 2 s).",
        ),
        (
            "The workflow engine does not respond at http://127.0.0.1:8080 (ReadTimeout: timed out).",
            "The workflow engine does not respond (ReadTimeout: timed out).",
        ),
    ],
)  # fmt: skip
def test_an_error_is_reported_without_addresses(message: str, left: str):
    assert verdicts.without_addresses(message) == left


def test_the_engines_own_database_is_found_by_its_url():
    dsn = dsn_of_url("postgresql+psycopg2://air%40flow:p%2Fw@db.internal/meta%20data?sslmode=require", "its database")
    assert dsn is not None
    assert (dsn.host, dsn.port, dsn.dbname, dsn.user) == ("db.internal", 5432, "meta data", "air@flow")
    assert (dsn.password, dsn.options) == ("p/w", {"sslmode": "require"})
    assert dsn_of_url("mysql://a:b@c/d", "x") is dsn_of_url("airflow-db-not-allowed:///", "x") is None


def test_a_product_with_mistakes_is_down_and_its_dag_is_not_missed():
    """No other tenant needs it, so the workflow engine is not down because of it."""

    def broken() -> Product:
        raise ProductFileError("The product in crm is wrong: product.toml: name is missing.")

    unused = cast("Any", None)
    products = FewProducts({"sample": lambda: SAMPLE, "crm": broken, "erp": lambda: replace(SAMPLE, plans=("golden",))})
    there = [dag for dag in all_dags(products) if not dag.startswith("tenant_provisioning__")]
    work = replace(WORK, dags=dict.fromkeys(there, False))
    probes = Probes(PLATFORM, products, unused, unused, lambda: work, unused, unused, unused)
    checks = {each.name: each for each in health_checks(probes)}
    found = {each.part: each for each in checks["products"].run(NOW)}
    assert {part: each.state for part, each in found.items()} == {
        "crm": Condition.DOWN,
        "erp": Condition.DOWN,
        "sample": Condition.OK,
    }
    assert "name is missing" in found["crm"].sentence
    assert "plans: the platform file has no plan golden" in found["erp"].sentence
    dags = next(each for each in checks["work"].run(NOW) if each.part == of_engine.DAGS)
    assert dags.state is Condition.OK
