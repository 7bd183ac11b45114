"""Real servers of S3 (moto's) and DNS (Knot), and the example package on the path as if it were installed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import boto3
import pytest

from sandbox.layout import PROJECT
from sandbox.polling import poll
from sandbox.ports import HOST, any_free
from tenancy.saga.connections import Connection
from tests.dns_servers import DnsServer, dns_server

sys.path.insert(0, str(PROJECT / "examples" / "s3-bucket"))

MARKER_BUCKET = "tenancy-marker"


@dataclass(frozen=True)
class S3:
    """The server, and a client that is not the activity's."""

    url: str

    @property
    def connection(self) -> Connection:
        extra = {"endpoint_url": self.url, "marker_bucket": MARKER_BUCKET}
        return Connection("tenancy_objects", login="key", password="the-secret-key", extra=extra)

    @property
    def client(self) -> Any:
        return boto3.client(
            "s3", endpoint_url=self.url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )

    def has(self, _kind: str, name: str) -> bool:
        return name in self.names

    @property
    def names(self) -> set[str]:
        return {bucket["Name"] for bucket in self.client.list_buckets()["Buckets"]} - {MARKER_BUCKET}

    def make(self, _kind: str, name: str) -> None:
        self.client.create_bucket(Bucket=name)

    def clear(self) -> None:
        for name in self.names:
            self.client.delete_bucket(Bucket=name)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    port = any_free()
    folder: Path = tmp_path_factory.mktemp("s3")
    words = [sys.executable, "-m", "moto.server", "-H", HOST, "-p", str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, cwd=folder, env={**os.environ, "PYTHONPATH": ""})
    try:
        server = S3(f"http://{HOST}:{port}")
        assert poll(60, lambda: _answers(server.url)), (folder / "log").read_text()
        server.client.create_bucket(Bucket=MARKER_BUCKET)
        yield server
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def s3(s3_server: S3) -> Iterator[S3]:
    """Without a tenant's buckets."""
    s3_server.clear()
    yield s3_server
    s3_server.clear()


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


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/moto-api/", timeout=1):
            return True
    except (URLError, OSError):
        return False
