"""An OCI registry (Distribution specification 1.1: push and pull), in memory, with a user and a password. For tests."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from uuid import uuid4

USER: Final = "robot"
PASSWORD: Final = "registry-password"
_EXPECTED: Final = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


class Registry(ThreadingHTTPServer):
    """What it has, by name and digest or tag."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.pulled = 0
        self.status_of_pulls = 200

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def digest_of(self, name: str, tag: str) -> str:
        return _digest(self.manifests[name, tag][1])


class _Handler(BaseHTTPRequestHandler):
    server: Registry

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        if not self._is_known():
            return
        kind, name, reference = self._place()
        if kind == "manifests" and self.server.status_of_pulls != 200:
            self._answer(self.server.status_of_pulls, b"broken")
        elif kind == "manifests" and (found := self.server.manifests.get((name, reference))):
            self.server.pulled += self.command == "GET"
            self._answer(200, found[1], {"Content-Type": found[0], "Docker-Content-Digest": _digest(found[1])})
        elif kind == "blobs" and reference in self.server.blobs:
            self._answer(200, self.server.blobs[reference], {"Docker-Content-Digest": reference})
        elif self.path.rstrip("/") == "/v2":
            self._answer(200, b"{}")
        else:
            self._answer(404, b'{"errors": [{"code": "MANIFEST_UNKNOWN"}]}', {"Content-Type": "application/json"})

    def do_POST(self) -> None:
        if self._is_known():
            self._body()
            self._answer(202, b"", {"Location": f"{self.path.rstrip('/')}/{uuid4()}"})

    def do_PUT(self) -> None:
        if not self._is_known():
            return
        body = self._body()
        digest, (kind, name, reference) = _digest(body), self._place()
        if kind == "manifests":
            stored = self.headers["Content-Type"], body
            self.server.manifests[name, reference] = self.server.manifests[name, digest] = stored
        else:
            self.server.blobs[digest] = body
        self._answer(201, b"", {"Docker-Content-Digest": digest, "Location": f"/v2/{name}/{kind}/{digest}"})

    def _is_known(self) -> bool:
        if self.headers.get("Authorization") == _EXPECTED:
            return True
        self._body()
        self._answer(401, b"{}", {"WWW-Authenticate": 'Basic realm="registry"'})
        return False

    def _place(self) -> tuple[str, str, str]:
        """Kind, repository and reference: `/v2/<name>/<kind>/<reference>`."""
        parts = self.path.split("?")[0].removeprefix("/v2/").split("/")
        return parts[-2] if len(parts) > 2 else "", "/".join(parts[:-2]), parts[-1]

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Silent."""


@contextmanager
def serving() -> Iterator[Registry]:
    """A registry on a port of its own."""
    registry = Registry()
    thread = threading.Thread(target=registry.serve_forever, daemon=True)
    thread.start()
    try:
        yield registry
    finally:
        registry.shutdown()
        registry.server_close()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
