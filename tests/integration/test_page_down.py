"""The console's pages when ledger, engine or reconciler are down: which it is, and what that means."""

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sandbox.ports import any_free
from tenancy.adapters.dsn import Dsn
from tenancy.ledger import heartbeats
from tenancy.ledger.ledger import Ledger
from tests.acceptance.runs import wait_until
from tests.integration.console_client import Console
from tests.unit.sagas import (
    RUN,
    start,
)


@pytest.fixture
def silence() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _with_ledger(console: Console, port: int) -> Console:
    dsn: Dsn = console.ledger._dsn
    return Console(Ledger(replace(dsn, host="127.0.0.1", port=port)), console.runs)


@pytest.mark.parametrize("path", ["/", "/tenants/acme", "/runs/tenant_provisioning/run-1"])
def test_a_ledger_that_is_gone_is_named(console: Console, path: str):
    answer = _with_ledger(console, any_free()).get(path, 503)
    assert "The ledger does not respond" in answer.text
    assert "escalate to platform engineering" in answer.text
    assert "Traceback" not in answer.text
    assert "data-again" in answer.text, "it asks again by itself"
    assert "data-again" not in console.get("/tenants/nobody", 404).text


def test_a_ledger_that_is_silent_is_named_before_it_times_out(console: Console, silence: int):
    away = _with_ledger(console, silence)
    began = time.monotonic()
    assert "The ledger does not respond" in away.get("/", 503).text
    assert time.monotonic() - began < 4.5  # connecting alone would be given 5 s


def test_a_poll_that_fails_leaves_the_last_picture_and_says_so(console: Console):
    answer = _with_ledger(console, any_free()).get("/tenants/acme?part=live", 503)
    assert (answer.headers["HX-Retarget"], answer.headers["HX-Reswap"]) == ("#notice", "innerHTML")
    assert "You are seeing data from" in answer.text
    assert "<html" not in answer.text


def _shows(console: Console, path: str, sentence: str) -> Callable[[], bool]:
    return lambda: sentence in console.get(path).text


def test_an_engine_that_is_away_is_no_tenants_fault(console: Console):
    console.tenant(start())
    console.runs.away = True
    wait_until(
        _shows(console, "/tenants/acme", "The workflow engine does not respond."), "the page to say so", seconds=30
    )
    assert "not the tenants&#39; fault" in console.get("/").text


def test_paused_dags_and_raw_runs_that_wait_are_listed(console: Console):
    console.tenant(start())
    console.runs.paused = {"tenant_provisioning"}
    console.runs.start("tenant_provisioning", RUN, {"slug": "acme"})
    console.runs.start("tenant_provisioning", "manual__1", {"slug": "raw-one"})
    wait_until(_shows(console, "/", "raw-one"), "the queue to show", seconds=30)
    text = console.get("/").text
    assert "The DAG tenant_provisioning is paused:" in text
    assert f"runs/tenant_provisioning/{RUN}" not in text  # a tenant by now


def test_a_running_reconciler_is_not_mentioned(console: Console):
    assert "The reconciler has never run." in console.get("/").text
    with console.ledger.open("test") as session:
        heartbeats.record_heartbeat(session, "reconciliation", took_seconds=1, summary="nothing to do")
    console.now = datetime(2026, 2, 1, 0, 1, tzinfo=UTC)
    assert "The reconciler" not in console.get("/").text
