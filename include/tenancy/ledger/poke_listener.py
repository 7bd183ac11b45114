"""Listens for pokes: PostgreSQL notifies at once, on the channel `tenancy_poke`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import psycopg

from tenancy.adapters.dsn import Dsn
from tenancy.adapters.sessions import require_settings, session_settings, translated
from tenancy.adapters.sqlstate_connection import SqlstateConnection

_CHANNEL: Final = "tenancy_poke"
_SILENCE_SECONDS: Final = 30.0
"""After this time without a notification, check whether the session is still alive."""
_BURST_SECONDS: Final = 0.3
"""Wait this long after a notification: the poke is committed shortly before Airflow's own change, and pokes come in
bursts."""


class ListeningConnection(SqlstateConnection, psycopg.AsyncConnection[Any]):
    """The session of the triggerer's event loop."""


async def listen_for_pokes(dsn: Dsn) -> AsyncIterator[None]:
    """Once for each burst of pokes, for ever. Raises errors of ours when the session breaks."""
    settings = session_settings("tenancy listen")
    with translated(dsn, connecting=True):
        connection = await ListeningConnection.connect(**dsn.parameters(settings), autocommit=True)
    with translated(dsn):
        async with connection:
            require_settings(connection, settings, dsn)
            await connection.execute(f"listen {_CHANNEL}")
            while True:
                async for _ in connection.notifies(timeout=_SILENCE_SECONDS, stop_after=1):
                    await asyncio.sleep(_BURST_SECONDS)
                    yield
                await connection.execute("select 1")
