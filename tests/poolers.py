"""A pooler in front of PostgreSQL, as its clients see it: one session of the server serves all clients.

It implements the start-up of protocol 3.0 itself and passes on everything after that, one batch at a time.
"""

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

import psycopg

from tenancy.adapters.session_settings import settings_of

_SSL, _GSS, _CANCEL = 80877103, 80877104, 80877102
_REPORTED = ("TimeZone", "DateStyle", "IntervalStyle", "standard_conforming_strings", "server_version",
             "server_encoding", "client_encoding", "integer_datetimes")  # fmt: skip


class PoolingMode(Enum):
    """What it does with the start-up parameter `options`."""

    REFUSE = "refuse"
    """PgBouncer as it is shipped."""
    IGNORE = "ignore"
    """PgBouncer with ignore_startup_parameters = options."""
    REPORT = "report"
    """One that sets what it tracks itself (PgBouncer 1.20 and later) and drops the rest."""
    HONOUR = "honour"
    """One that sets everything, in a session that its clients share (pool_mode = transaction)."""


@contextmanager
def pooler(dsn: str, way: PoolingMode) -> Iterator[int]:
    """The port at which it answers before the server behind `dsn`."""
    lock = threading.Lock()
    with psycopg.connect(dsn, autocommit=True) as server:

        class PoolerSession(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                given = _start(self.request)
                if given is None:
                    return
                if way is PoolingMode.REFUSE and "options" in given:
                    fields = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0"
                    self.request.sendall(_message(b"E", fields))
                    return
                with lock:
                    _greet(self.request, server, given, way)
                while batch := _batch(self.request):
                    with lock:
                        self.request.sendall(_answer(server, batch))

        class PoolerServer(socketserver.ThreadingTCPServer):
            daemon_threads = True

        with PoolerServer(("127.0.0.1", 0), PoolerSession) as listening:
            thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            try:
                yield listening.server_address[1]
            finally:
                listening.shutdown()
                thread.join()


def _start(client: socket.socket) -> dict[str, str] | None:
    """The client's start-up parameters, after it was told that there is no encryption."""
    while True:
        length, code = struct.unpack("!ii", _exactly(client, 8))
        rest = _exactly(client, length - 8)
        if code in {_SSL, _GSS}:
            client.sendall(b"N")
        elif code == _CANCEL:
            return None
        else:
            texts = rest.decode().split("\0")
            return dict(zip(texts[0::2], texts[1::2], strict=False))


def _greet(client: socket.socket, server: psycopg.Connection[Any], given: dict[str, str], way: PoolingMode) -> None:
    settings = settings_of(given.get("options", ""))
    if way in {PoolingMode.REPORT, PoolingMode.HONOUR}:
        known = set(settings) if way is PoolingMode.HONOUR else {*_REPORTED, "application_name"}
        for name in known & set(settings):
            server.execute("select set_config(%s, %s, false)", (name, settings[name]))
    parameters = {name: server.info.parameter_status(name) or "" for name in (*_REPORTED, "application_name")}
    status = b"".join(_message(b"S", f"{name}\0{value}\0".encode()) for name, value in parameters.items())
    ready = _message(b"K", struct.pack("!ii", 4711, 1)) + _message(b"Z", b"I")
    client.sendall(_message(b"R", struct.pack("!i", 0)) + status + ready)


def _batch(client: socket.socket) -> bytes:
    """What the client sends up to a simple query or a Sync; nothing when it leaves."""
    batch = b""
    while True:
        head = _exactly(client, 5)
        if not head or head[:1] == b"X":
            return b""
        batch += head + _exactly(client, struct.unpack("!i", head[1:])[0] - 4)
        if head[:1] in {b"Q", b"S"}:
            return batch


def _answer(server: psycopg.Connection[Any], batch: bytes) -> bytes:
    with socket.socket(fileno=socket.dup(server.fileno())) as line:
        line.setblocking(True)
        line.sendall(batch)
        answer = b""
        while True:
            head = _exactly(line, 5)
            answer += head + _exactly(line, struct.unpack("!i", head[1:])[0] - 4)
            if head[:1] == b"Z":
                return answer


def _exactly(line: socket.socket, count: int) -> bytes:
    taken = b""
    while len(taken) < count:
        piece = line.recv(count - len(taken))
        if not piece:
            return b""
        taken += piece
    return taken


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!i", len(body) + 4) + body
