"""The trigger of a waiting task, in an event loop as the triggerer's, joined by bootstrap as in Airflow."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenancy.orchestration.change_notifier import change_notifier_of
from tenancy.orchestration.readiness_trigger import ReadinessTrigger
from tenancy.saga import facts as f
from tests.integration.connections import CLUSTER, every_way
from tests.integration.engine_harness import WAIT, EngineHarness, lease


def trigger(harness: EngineHarness, minutes: float = 10) -> ReadinessTrigger:
    namespace = next(r.name for r in harness.saga.resources if r.kind == "namespace")
    deadline = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    held = lease(WAIT)
    return ReadinessTrigger(
        run_id=held.run_id,
        activity=held.activity,
        holder=held.holder,
        actor="ada",
        connection=CLUSTER,
        namespace=namespace,
        deadline=deadline,
    )


async def _events(waits: ReadinessTrigger, seconds: float) -> list[Any]:
    async with asyncio.timeout(seconds):
        return [event async for event in waits.run()]


@pytest.fixture
def slow(connected: EngineHarness) -> EngineHarness:
    """A tenant whose pods take two seconds (forty of the cluster's) to become ready, and whose task waits."""
    selector = f"tenancy.internal/platform={connected.tenancy.platform.name}"
    connected.clear_fault = connected.kubernetes.fault(kind="slow-start", selector=selector, seconds=40)
    connected.run_until(WAIT)
    connected.run_once(WAIT)
    return connected


@every_way
def test_it_ends_soon_after_the_last_pod_is_ready_and_reports_reasons_before(slow: EngineHarness):
    began = time.monotonic()
    assert len(asyncio.run(_events(trigger(slow), 12))) == 1
    assert time.monotonic() - began < 8  # the slow fallback would have needed 15 s
    assert slow.facts(f.ActivityProgressed)[0].message.startswith("0 of 1 pods ready")
    slow.slept = []
    assert slow.run(WAIT).current_activity == "mark_active"
    assert slow.slept == []  # it was so at the first look: nothing else had ended the wait


def test_it_ends_at_its_deadline_so_that_a_worker_records_it(slow: EngineHarness):
    assert len(asyncio.run(_events(trigger(slow, minutes=0.3 / 60), 5))) == 1


def test_it_comes_back_from_airflows_database_as_it_was(slow: EngineHarness):
    before = trigger(slow)
    path, arguments = before.serialize()
    assert path == "tenancy.orchestration.readiness_trigger.ReadinessTrigger"
    assert ReadinessTrigger(**arguments).serialize() == before.serialize()
    assert "password" not in json.dumps(arguments)


def test_watches_end_with_the_last_one_that_listens(connected: EngineHarness):
    async def listen() -> tuple[int, int]:
        async with change_notifier_of(CLUSTER).subscribe("a"), change_notifier_of(CLUSTER).subscribe("b"):
            shared = len(change_notifier_of(CLUSTER)._watches)
        return shared, len(change_notifier_of(CLUSTER)._watches)

    assert asyncio.run(listen()) == (2, 0)
