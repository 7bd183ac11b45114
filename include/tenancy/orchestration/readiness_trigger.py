"""The trigger of a task that waits for workloads: checks, waits for a change, checks again. Hundreds run in one
triggerer.

Checks are synchronous and run in a few threads of their own, so that no code exists twice, for two worlds. The trigger
ends when a worker has to continue. Airflow ends it when its task is no longer deferred, such as after Cancel.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from tenancy.orchestration.change_notifier import FALLBACK_POLL_SECONDS, change_notifier_of
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId
from tenancy.saga.tenant import Lease
from tenancy.shared_parts import shared_tenancy

log = logging.getLogger(__name__)

_CONCURRENT_CHECKS = 4
"""Each check takes one session of the ledger and a few short requests."""
_SETTLE_SECONDS = 0.3
"""Changes come in bursts; one check after each burst is enough."""

_threads = ThreadPoolExecutor(_CONCURRENT_CHECKS, thread_name_prefix="tenancy-look")


class ReadinessTrigger(BaseTrigger):
    """Waits for one activity of one run until it is over or `deadline` (ISO 8601, UTC)."""

    def __init__(
        self, *, run_id: str, activity: str, holder: str, actor: str, connection: str, namespace: str, deadline: str
    ) -> None:
        super().__init__()
        self._arguments = {
            "run_id": run_id,
            "activity": activity,
            "holder": holder,
            "actor": actor,
            "connection": connection,
            "namespace": namespace,
            "deadline": deadline,
        }
        self._lease = Lease(RunId(run_id), ActivityName(activity), TaskInstanceId(holder))

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.{type(self).__name__}", dict(self._arguments)

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """One empty event. The worker finds out what it means."""
        async with change_notifier_of(self._arguments["connection"]).subscribe(self._arguments["namespace"]) as changed:
            while self._left() > 0:
                changed.clear()
                if await self._is_over():
                    break
                await _wait_for_change(changed, min(FALLBACK_POLL_SECONDS, self._left()))
        yield TriggerEvent({})

    def _left(self) -> float:
        deadline = datetime.fromisoformat(self._arguments["deadline"])
        return (deadline - datetime.now(UTC)).total_seconds()

    async def _is_over(self) -> bool:
        try:
            return await asyncio.get_running_loop().run_in_executor(_threads, self._look)
        except Exception as error:  # noqa: BLE001 - the ledger does not respond: keep waiting, a worker could do no better
            log.warning("cannot check %s of %s: %s", self._lease.activity, self._lease.run_id, error)
            return False

    def _look(self) -> bool:
        from tenancy.engine.provisioning.waiting import is_over

        return is_over(shared_tenancy(), self._lease, actor=self._arguments["actor"])


async def _wait_for_change(changed: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(changed.wait(), max(seconds, 0))
        await asyncio.sleep(_SETTLE_SECONDS)
    except TimeoutError:
        return
