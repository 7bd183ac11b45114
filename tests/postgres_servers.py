"""Real PostgreSQL servers for the duration of a `with`. For tests only."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import postgres
from sandbox.ports import any_free
from sandbox.postgres import PostgresServer
from tests.memory_folders import scratch_folder

_SETTINGS = """
max_prepared_transactions = 20
wal_level = logical
"""
"""What some servers have: there, more can keep a database from being dropped."""


@contextmanager
def embedded_server(directory: Path) -> Iterator[PostgresServer]:
    """Its log is in this folder; its data too, on a machine that has no room in memory."""
    with scratch_folder(directory) as folder:
        yield from _running_server(folder, directory)


def _running_server(folder: Path, directory: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(
        name="postgres-tests",
        directory=folder / "server",
        port=any_free(),
        log=directory / "postgres.log",
        superuser_password=secrets.token_urlsafe(12),
    )
    server.create()
    with (server.data / "postgresql.conf").open("a") as settings:
        settings.write(_SETTINGS)
    daemon = server.start()
    try:
        yield server
    finally:
        postgres.stop(daemon)
