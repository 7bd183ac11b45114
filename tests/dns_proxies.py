"""A server between a DNS client and its server. It can hold each request, and cut it before or after it is carried out.

For tests only. One request for each TCP connection, as dnspython makes them.
"""

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from sandbox.ports import HOST

UPDATE: Final = 5
"""The opcode of RFC 2136."""


@dataclass
class DnsProxy:
    """`cut_before` and `cut_after`: the number of the request, from 0, that the server never gets, or whose answer the
    client never gets. `hold` is called with the opcode of each request before it is passed on."""

    server_port: int
    port: int = 0
    cut_before: int | None = None
    cut_after: int | None = None
    hold: Callable[[int], None] = lambda opcode: None
    opcodes: list[int] = field(default_factory=list)
    """Of each request until now."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def _numbered(self, request: bytes) -> int:
        with self._lock:
            self.opcodes.append(_opcode(request))
            return len(self.opcodes) - 1

    def pass_on(self, client: socket.socket) -> None:
        """Serve one connection."""
        request = _message(client)
        if not request:
            return
        number = self._numbered(request)
        if number == self.cut_before:
            return
        self.hold(_opcode(request))
        with socket.create_connection((HOST, self.server_port), timeout=10) as server:
            _send(server, request)
            answer = _message(server)
        if number != self.cut_after:
            _send(client, answer)


@contextmanager
def dns_proxy(server_port: int, **how: object) -> Iterator[DnsProxy]:
    """Before the server on this port of this machine."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            proxy.pass_on(self.request)

    with socketserver.ThreadingTCPServer((HOST, 0), Handler) as listener:
        proxy = DnsProxy(server_port, listener.server_address[1], **how)
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield proxy
        finally:
            listener.shutdown()
            thread.join()


def _opcode(message: bytes) -> int:
    return message[2] >> 3 & 15


def _message(connection: socket.socket) -> bytes:
    """One message (RFC 1035, 4.2.2: two bytes of length before it); empty if the other side has closed."""
    size = _read(connection, 2)
    return _read(connection, int.from_bytes(size)) if size else b""


def _read(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        part = connection.recv(count - len(data))
        if not part:
            return b""
        data += part
    return data


def _send(connection: socket.socket, message: bytes) -> None:
    connection.sendall(len(message).to_bytes(2) + message)
