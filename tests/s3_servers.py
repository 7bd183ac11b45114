"""A real S3 server for the duration of a `with`: moto's. For tests only."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import boto3

from sandbox.polling import poll
from sandbox.ports import HOST, any_free
from tenancy.saga.connections import Connection

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
            for each in self.client.list_objects_v2(Bucket=name).get("Contents", ()):
                self.client.delete_object(Bucket=name, Key=each["Key"])
            self.client.delete_bucket(Bucket=name)


@contextmanager
def s3_server(folder: Path) -> Iterator[S3]:
    """With its marker bucket. Its log is in the folder."""
    port = any_free()
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


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/moto-api/", timeout=1):
            return True
    except (URLError, OSError):
        return False
