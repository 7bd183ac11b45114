"""The platform's health by real servers: what one check reports about the others, and what happens to late ones."""

import threading
from dataclasses import replace

import psycopg

from tenancy.adapters import server_health
from tenancy.adapters.dsn import Dsn
from tenancy.engine.health.check_results import System
from tenancy.engine.health.health_check_runner import HealthCheckRunner
from tenancy.engine.health.health_checks import Probes
from tenancy.ledger.ledger import utc_now
from tenancy.probes import check_ledger
from tenancy.saga.errors import TransientError
from tests import real_systems
from tests.acceptance.runs import wait_until
from tests.conformance.server import EmulatorProcess
from tests.integration.health_platform import CLUSTER, DATABASE, DEGRADED, DOWN, OK, PATIENT, STORAGE, UNKNOWN, not_ok


def test_all_is_well_on_a_platform_that_is(run_checks: HealthCheckRunner):
    health = run_checks()
    assert not_ok(health) == {}
    assert health.state is OK
    assert {check.system for check in health.checks} == set(System)
    assert all(check.checked_at == health.checked_at for check in health.checks)
    cluster, storage = health.of(*CLUSTER), health.of(*STORAGE)
    assert cluster is not None
    assert storage is not None
    assert (cluster.measured["nodes"], cluster.measured["nodes_ready"]) == (1, 1)
    assert int(storage.measured["databases"]) >= 4


def test_sentences_and_measurements_have_no_password_and_no_address(
    run_checks: HealthCheckRunner, storage_dsn: Dsn, ledger_dsn: Dsn, health_cluster: EmulatorProcess
):
    shown = repr(run_checks().checks)
    for secret in (
        storage_dsn.password,
        ledger_dsn.password,
        health_cluster.server.token,
        "postgresql://",
        "127.0.0.1",
    ):
        assert secret not in shown


def test_an_unavailable_ledger_hides_what_is_in_it(probes: Probes, silent_server: Dsn):
    broken = replace(probes, ledger=lambda: check_ledger(silent_server))
    health = HealthCheckRunner(lambda: broken, utc_now, bound_seconds=PATIENT)()
    assert not_ok(health) == {
        (System.LEDGER, "", ""): DOWN,
        (System.ENGINE, "", "reconciliation"): UNKNOWN,
        (System.ENGINE, "", "reality check"): UNKNOWN,
        (System.CAPACITY, real_systems.REGION, ""): UNKNOWN,
        (System.QUOTA, "", "starter"): UNKNOWN,
        (System.QUOTA, "", "business"): UNKNOWN,
    }


def test_values_in_the_platform_file_for_a_product_that_does_not_exist_are_reported(probes: Probes):
    starter = replace(probes.platform.plans["starter"], products={"crn": {"replicas": 2}})
    platform = replace(probes.platform, plans={**probes.platform.plans, "starter": starter})
    health = HealthCheckRunner(lambda: replace(probes, platform=platform), utc_now, bound_seconds=PATIENT)()
    assert not_ok(health) == {(System.PRODUCT, "", "crn"): DEGRADED}
    (check,) = [each for each in health.checks if each.part == "crn"]
    assert check.sentence.startswith("The platform file has values for it in the plan starter, and there is no such")


def test_a_lock_that_keeps_the_engine_from_writing_is_reported(run_checks: HealthCheckRunner, ledger_dsn: Dsn):
    with psycopg.connect(ledger_dsn.url) as holder:
        holder.execute("lock table ledger.tenant in share mode")
        assert not_ok(run_checks()) == {DATABASE: DEGRADED}
        holder.rollback()
        holder.execute("lock table ledger.tenant in row exclusive mode")
        assert not_ok(run_checks()) == {}


def test_a_silent_system_is_unknown_at_first_then_down_and_costs_one_thread(probes: Probes):
    begun, may_answer = [], threading.Event()

    def hangs(region: object) -> server_health.ServerStatus:
        begun.append(region)
        assert may_answer.wait(PATIENT)
        raise TransientError("It does not respond.")

    silent = HealthCheckRunner(lambda: replace(probes, storage=hangs), utc_now, bound_seconds=0.5)
    assert silent().of(*STORAGE).state is UNKNOWN  # type: ignore[union-attr]
    assert silent().of(*STORAGE).state is DOWN  # type: ignore[union-attr]
    assert len(begun) == 1
    may_answer.set()
    wait_until(lambda: silent().of(*STORAGE).sentence == "It does not respond.", "its answer")  # type: ignore[union-attr]


def test_a_check_with_a_defect_reports_it_and_harms_no_other(probes: Probes):
    def breaks(region: object) -> server_health.ServerStatus:
        raise ZeroDivisionError

    health = HealthCheckRunner(lambda: replace(probes, storage=breaks), utc_now, bound_seconds=PATIENT)()
    assert not_ok(health) == {STORAGE: UNKNOWN}
    assert "has a defect (ZeroDivisionError)" in health.of(*STORAGE).sentence  # type: ignore[union-attr]
