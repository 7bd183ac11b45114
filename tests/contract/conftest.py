"""The contract of every activity, on a real storage server, a real cluster, and a fake workflow engine."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from sandbox.postgres import PostgresServer
from tenancy.adapters.dsn import Dsn
from tests import real_systems
from tests.clusters import Kubernetes
from tests.conformance.server import Server
from tests.contract.fake_handles import FakeHandles
from tests.contract.severable_connection import severable_connection
from tests.contract.workbench import Workbench


@pytest.fixture
def bench(fast_server: PostgresServer, storage_dsn: Dsn, cluster_server: Server) -> Iterator[Workbench]:
    """A requested tenant of a platform that only this test has."""
    name = f"p{uuid4().hex[:8]}"
    with severable_connection(storage_dsn) as line:
        yield Workbench(fast_server, line, FakeHandles(real_systems.POOL), real_systems.platform(name), cluster_server)
    real_systems.drop_all(fast_server, name)
    Kubernetes(cluster_server).drop_all(name)
