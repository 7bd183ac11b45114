"""A TCP connection to PostgreSQL that can be cut: the client is gone, and the server finishes the statement.

To the server it looks like a killed task, at any statement and without touching our code.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

from tenancy.adapters.dsn import Dsn
from tests.contract.connection_cuts import LineCutter

_STATEMENTS = {b"Q", b"S"}
"""A simple query, or the Sync that ends an extended one (PostgreSQL's frontend protocol 3.0)."""


@contextmanager
def severable_connection(dsn: Dsn) -> Iterator["SeverableConnection"]:
    """The same server through a connection that works until its cutter cuts it."""
    with ExitStack() as stack:
        door = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        plain = {"sslmode": "disable", "gssencmode": "disable"}
        line = SeverableConnection(dsn, replace(dsn, host="127.0.0.1", port=door.getsockname()[1], options=plain))
        doorman = threading.Thread(target=line.serve, args=(door,))
        doorman.start()
        try:
            yield line
        finally:
            door.shutdown(socket.SHUT_RDWR)
            doorman.join()
            line.close()


class SeverableConnection:
    """`dsn` is its near end."""

    def __init__(self, far_end: Dsn, dsn: Dsn) -> None:
        self.dsn = dsn
        self.cutter: LineCutter | None = None
        self._far_end = far_end
        self._threads: list[threading.Thread] = []

    def serve(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = door.accept()
                self._start(self._connect, client)

    def close(self) -> None:
        for thread in self._threads:
            thread.join()

    def _start(self, context, *sockets: socket.socket) -> None:
        thread = threading.Thread(target=context, args=sockets)
        self._threads.append(thread)
        thread.start()

    def _connect(self, client: socket.socket) -> None:
        if self.cutter and self.cutter.cut:
            client.close()
            return
        with client, socket.create_connection((self._far_end.host, self._far_end.port)) as server:
            for end in (client, server):  # or each statement waits 40 ms for a delayed acknowledgement
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            answers = threading.Thread(target=_pump, args=(server, client))
            answers.start()
            with suppress(OSError, EOFError):
                self._forward(client, server)
            _end(server)
            answers.join()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        server.sendall(_message(client, kind=b""))  # the start-up message has no kind
        while True:
            kind = _read(client, 1)
            message = _message(client, kind=kind)
            last = kind in _STATEMENTS and self.cutter is not None and self.cutter.count()
            if last:
                client.shutdown(socket.SHUT_RDWR)
            server.sendall(message)
            if last:
                return


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Answers go back; when nobody listens any more they are read all the same, or the server would see a reset."""
    with suppress(OSError):
        while data := source.recv(65536):
            with suppress(OSError):
                sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def _end(server: socket.socket) -> None:
    with suppress(OSError):
        server.shutdown(socket.SHUT_WR)


def _message(client: socket.socket, *, kind: bytes) -> bytes:
    length = _read(client, 4)
    return kind + length + _read(client, int.from_bytes(length, "big") - 4)


def _read(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        chunk = client.recv(size - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return data
