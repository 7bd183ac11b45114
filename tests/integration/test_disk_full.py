"""A storage server without space: PostgreSQL's own error 53100, its cause and its advice, and that all goes on once
there is space again.

The space is bounded by RLIMIT_FSIZE. A file that may grow by half a page is written in part, which PostgreSQL (18.4)
takes for a full disk; beyond the limit it would say "File too large", which is another matter (XX000). What
`template1` has is larger than a segment of the log (16 MB), so that only copying it meets the limit.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox import postgres
from sandbox.postgres import PostgresServer
from tenancy.activities.advice import REMEDIES
from tenancy.adapters.dsn import Dsn
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.errors import TransientError
from tests import parts
from tests.conformance.server import Server
from tests.integration.stage import ORDER, STORAGE, Stage
from tests.servers import embedded_server

_FILL = "create table ballast as select repeat('x', 1000) from generate_series(1, 18000)"
_HALF_A_PAGE = 4096


@contextmanager
def _running(server: PostgresServer, largest_file: int | None = None) -> Iterator[None]:
    """It inherits the limit. Ours is set back: whoever has lowered his own may raise it again."""
    usual, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file or usual, most))
    try:
        daemon = server.start()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (usual, most))
    try:
        yield
    finally:
        postgres.stop(daemon)


def _filled(server: PostgresServer) -> int:
    """The bytes that every new database begins with, in one file."""
    with parts.superuser(server, "template1") as connection:
        connection.execute(_FILL)
        connection.execute("checkpoint")
        row = connection.execute("select pg_relation_size('ballast') as bytes").fetchone()
    assert row is not None
    return int(row["bytes"])


def test_a_full_disk_is_said_to_be_one_and_the_tenant_goes_on_when_there_is_space(
    tmp_path: Path, ledger_dsn: Dsn, cluster_server: Server
):
    with embedded_server(tmp_path) as server:
        admin = parts.owned_database(server, "storage_admin", "createdb createrole")
        size = _filled(server)
    storage = parts.as_dsn(admin, f"the storage of region {parts.REGION}")
    stage = Stage(server, ledger_dsn, storage, parts.platform("full"), cluster_server)
    with _running(server, size - _HALF_A_PAGE):
        stage.run_until(STORAGE)
        with pytest.raises(TransientError, match=r"could not extend file .* \[53100\]"):
            stage.run(STORAGE)
        (failed,) = stage.facts(f.ActivityFailed)
        assert (failed.activity, failed.cause) == (STORAGE, Cause.STORAGE_DISK_FULL)
        assert REMEDIES[failed.cause].action == "escalate"
        assert stage.outside["database"] == []
    with _running(server):
        for activity in ORDER[ORDER.index(STORAGE) :]:
            stage.run(activity)
        assert stage.saga.phase == "Active"
        assert len(stage.outside["database"]) == 1
    stage.kubernetes.sweep("full")
