"""Airflow itself stops: the stall is reported while nothing schedules, and a queued tenant is no stall."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import pytest

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tenancy.engine.workflow import COMPENSATION_DAG
from tests.acceptance import gates, operators, runs
from tests.acceptance.command_line import Operator
from tests.acceptance.kills import Kill, killer
from tests.acceptance.stalls import stall_setup
from tests.acceptance.stalls.stall_cases import DEPLOY, LIMITS, SCHEMA, WAIT, StallCase

SILENT = StallCase("scheduler", DEPLOY, ("engine.scheduler_silent",), "Escalate: no task starts")
NO_TRIGGERER = StallCase("triggerer", WAIT, ("engine.triggerer_silent",), "Escalate: no waiting task continues")
NO_SIGN_OF_LIFE = "The workflow engine's scheduler sends no heartbeat"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def strike(limited: Access, limited_up: Callable[[], None]) -> Iterator[Kill]:
    with killer(limited, limited_up) as strike:
        yield strike


def test_every_page_reports_a_dead_scheduler_while_nobody_reconciles(
    limited: Access, strike: Kill, limited_up: Callable[[], None]
):
    slug = runs.new_slug("silent")
    with gates.before_fact_of(limited, slug, "tenant.provisioning.step.started", SCHEMA):
        stall_setup.created(limited, slug=slug)
        ledger = limited.superuser_dsn("platform", "ledger")
        runs.wait_until(lambda: gates.held(ledger, "%insert into ledger.fact%"), "the task to reach the gate")
        strike("scheduler")
    # First over its limit; Airflow believes in a beat for 30 s, then the next look says why.
    for what, causes in (("be told", ("unknown", *SILENT.causes)), ("say why", SILENT.causes)):
        stall_setup.wait_until(
            limited, slug, f"to {what}", lambda causes=causes: _is_over_its_time(limited, slug, causes)
        )
    tenant = stall_setup.load_tenant(limited, slug)
    stall_setup.assert_advised(tenant, SILENT)
    assert (tenant["advice"]["action"], tenant["advice"]["not_its_fault"]) == ("escalate", True)
    sentences = (
        "Its run does not continue, and that is not the tenant's fault",
        NO_SIGN_OF_LIFE,
        tenant["next_action"],
    )
    _page_says(limited, f"tenants/{tenant['id']}", *sentences)
    _page_says(limited, "?attention=true", slug)
    assert NO_SIGN_OF_LIFE in " ".join(Operator(limited).run("show", slug).split())

    limited_up()
    stall_setup.bring_back(limited, slug)
    stall_setup.wait_until(
        limited, slug, "to be well", lambda: not stall_setup.load_tenant(limited, slug)["needs_attention"]
    )
    tenant = stall_setup.load_tenant(limited, slug)
    assert (tenant["stall"], tenant["held"]) == (None, "")


def _is_over_its_time(access: Access, slug: str, causes: tuple[str, ...]) -> bool:
    stall = stall_setup.load_tenant(access, slug)["stall"] or {}
    return stall.get("activity") == SILENT.at and stall["cause"] in causes


def _page_says(access: Access, path: str, *sentences: str) -> None:
    def is_there() -> bool:
        with access.client("viewer") as client:
            page = unescape(client.get(f"/tenancy/{path}").text)
        return all(words in page for words in sentences)

    runs.wait_until(is_there, f"/tenancy/{path} to say so", every=1)


def test_a_wait_without_a_triggerer_is_a_stall_for_that_cause(
    limited: Access, limited_fault_client: FaultClient, strike: Kill, limited_up: Callable[[], None]
):
    slug = runs.new_slug("wait")
    limited_fault_client.set("slow-start", tenant=slug, seconds=600)
    stall_setup.created(limited, slug=slug)
    stall_setup.wait_until(limited, slug, "to wait for its pods", lambda: runs.is_waiting_for_pods(limited, slug))
    strike("triggerer")
    stall_setup.assert_stall_reported(limited, slug, NO_TRIGGERER)
    limited_up()
    limited_fault_client.clear()
    stall_setup.bring_back(limited, slug)
    stall_setup.assert_over(limited, slug, NO_TRIGGERER)


@contextmanager
def patched(access: Access, path: str, usual: dict[str, Any], **changes: Any) -> Iterator[None]:
    """Change an Airflow object for a while."""
    mask = {"update_mask": ",".join(changes)}
    with access.client("engineer") as client:
        client.patch(path, params=mask, json={**usual, **changes}).raise_for_status()
        try:
            yield
        finally:
            client.patch(path, params=mask, json=usual).raise_for_status()


def test_what_waits_in_line_or_before_a_paused_dag_says_so_and_is_no_stall(limited: Access):
    pool, undoing = "/api/v2/pools/default_pool", f"/api/v2/dags/{COMPENSATION_DAG}"
    usual = {"pool": "default_pool", "slots": runs.get(limited, pool)["slots"]}
    paused = stall_setup.created(limited)
    stall_setup.bring_back(limited, paused)
    with patched(limited, pool, usual, slots=0), patched(limited, undoing, {"is_paused": False}, is_paused=True):
        operators.perform(limited, paused, "decommission", confirm_slug=paused)
        queued = stall_setup.created(limited)
        _is_held(limited, queued, "waits in Airflow's queue", "Wait: the tenant continues when a slot is free.")
        advice = "Unpause the DAG in Airflow, unless somebody restores a backup of the ledger."
        _is_held(limited, paused, f"The DAG {COMPENSATION_DAG} is paused", advice)
        over = "to be over its limit"
        stall_setup.wait_until(limited, paused, over, lambda: _seconds(limited, paused) > LIMITS["in_between"])
        stall_setup.wait_until(limited, queued, over, lambda: _seconds(limited, queued) > LIMITS["provisioning"])
        assert [stall_setup.load_tenant(limited, slug)["stall"] for slug in (queued, paused)] == [None, None]
    stall_setup.bring_back(limited, queued)
    runs.await_phase(limited, paused, "Decommissioned", seconds=stall_setup.TIMEOUT_SECONDS)
    assert runs.recorded_stalls(limited, paused) == []
    # Its limits are shorter here than the 20 s after which a task is said to wait in line.
    well: tuple[list[str], list[str]] = ([], runs.REPORTED_ONCE)
    stall_setup.wait_until(limited, queued, "to have no stall", lambda: runs.recorded_stalls(limited, queued) in well)


def _is_held(access: Access, slug: str, reason: str, advice: str) -> None:
    stall_setup.wait_until(
        access, slug, f"to say: {reason}", lambda: reason in stall_setup.load_tenant(access, slug)["held"]
    )
    tenant = stall_setup.load_tenant(access, slug)
    assert (tenant["stall"], tenant["next_action"]) == (None, advice)


def _seconds(access: Access, slug: str) -> float:
    """How long it has been in its state."""
    question = "select extract(epoch from now() - state_since) as s from ledger.tenant where slug = %s"
    return float(runs.ledger(access, question, slug)[0]["s"])
