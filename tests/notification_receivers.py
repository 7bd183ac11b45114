"""Receives notifications in tests: a small HTTP server and a small SMTP server on loopback."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from sandbox.ports import any_free


@dataclass(frozen=True)
class Received:
    """One request. Header names are lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Endpoint:
    """What came in, and what is answered: a status, or nothing at all."""

    port: int
    status: int = 200
    silent: bool = False
    received: list[Received] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def http_endpoint(port: int = 0) -> Iterator[Endpoint]:
    """Answers until the end of the block."""
    endpoint = Endpoint(port)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            if endpoint.silent:
                endpoint.released.wait(60)
                return
            endpoint.received.append(Received(self.path, headers, body))
            self.send_response(endpoint.status)
            self.end_headers()
            self.wfile.write(b"whatever")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    endpoint.port = server.server_port
    with _served(server):
        yield endpoint
        endpoint.released.set()


@dataclass
class Mailbox:
    """What was sent to the SMTP server at `port`."""

    port: int
    mails: list[EmailMessage] = field(default_factory=list)


@contextmanager
def smtp_endpoint() -> Iterator[Mailbox]:
    """Takes every mail, without a login."""
    mailbox = Mailbox(any_free())

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 tests")
            while line := self.rfile.readline():
                verb = line[:4].upper().strip()
                if verb == b"DATA":
                    self._say("354 go on")
                    lines = iter(self.rfile.readline, b".\r\n")
                    mail = message_from_bytes(b"".join(lines), policy=policy.default)
                    mailbox.mails.append(mail)
                self._say("250 ok")
                if verb == b"QUIT":
                    return

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with _served(socketserver.ThreadingTCPServer(("127.0.0.1", mailbox.port), Handler)):
        yield mailbox


@contextmanager
def _served(server: Any) -> Iterator[None]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def closed_port() -> int:
    """A port where nobody answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
