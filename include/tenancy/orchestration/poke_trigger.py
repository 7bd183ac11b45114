"""Starts the reconciler when there is a poke: a notification of the ledger becomes an asset event of Airflow.

The pass at every full minute finds pokes too; this one only saves the wait.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

_PAUSE_SECONDS = 10.0


class PokeTrigger(BaseEventTrigger):
    """One event for each burst of pokes. Runs for ever."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return f"{__name__}.{type(self).__name__}", {}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        from tenancy.bootstrap import ledger_dsn
        from tenancy.ledger.poke_listener import listen_for_pokes

        while True:
            try:
                dsn = await asyncio.get_running_loop().run_in_executor(None, ledger_dsn)
                async for _ in listen_for_pokes(dsn):
                    yield TriggerEvent({"pokes": True})
            except Exception as error:  # noqa: BLE001 - the ledger is away; the minute's pass continues meanwhile
                self.log.warning("not listening for pokes: %s", error)
            await asyncio.sleep(_PAUSE_SECONDS)
