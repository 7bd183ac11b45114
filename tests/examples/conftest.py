"""Real servers of S3 (moto's) and DNS (Knot), and the example package on the path as if it were installed."""

import sys
from collections.abc import Iterator

import pytest

from sandbox.layout import PROJECT
from tests.dns_servers import DnsServer, dns_server
from tests.s3_servers import S3, s3_server

sys.path.insert(0, str(PROJECT / "examples" / "s3-bucket"))


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def s3(moto: S3) -> Iterator[S3]:
    """Without a tenant's buckets."""
    moto.clear()
    yield moto
    moto.clear()


@pytest.fixture(scope="session")
def knot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DnsServer]:
    with dns_server(tmp_path_factory.mktemp("dns")) as server:
        yield server


@pytest.fixture
def dns(knot: DnsServer) -> Iterator[DnsServer]:
    """Without a tenant's records."""
    knot.clear()
    yield knot
    knot.clear()
