"""A real DNS server for the duration of a `with`: Knot DNS, which starts without root on any port. For tests only.

Debian's knot and bind9 both support RFC 2136 and TSIG, and have the same size (5.3 MB with libraries, by
Installed-Size). Knot does all that is needed; bind9 was not tried.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import dns.exception
import dns.query
import dns.tsig
import dns.update
import dns.xfr
import dns.zone

from sandbox.layout import PROJECT
from sandbox.polling import poll
from sandbox.ports import HOST, any_free
from tenancy.saga.connections import Connection
from tests.required_programs import require

EXAMPLE: Final = PROJECT / "examples" / "dns-record"
ZONE: Final = "eu.example"
TARGET: Final = "ingress.eu.example"
SECRET: Final = "dGhlIGV4YW1wbGUga2V5IG9mIHRlbmFuY3k="
"""In the example's knot.conf."""
_OWN: Final = ("@", "ns", "ingress")
"""The names of the example's zone file."""


@dataclass(frozen=True)
class DnsServer:
    """The server, and a client that is not the example's."""

    port: int
    key: dns.tsig.Key = field(default_factory=lambda: dns.tsig.Key("tenancy", SECRET))

    def connection(self, port: int = 0, **extra: Any) -> Connection:
        """How the activity enters. `port`: that of something between it and the server."""
        given = {"target": TARGET, **extra}
        return Connection("tenancy_dns", HOST, port or self.port, "tenancy", SECRET, ZONE, given)

    def records(self) -> dict[str, set[str]]:
        """Name -> type and value of what the zone has besides its own file."""
        zone = dns.zone.Zone(ZONE)
        query, _ = dns.xfr.make_query(zone, keyring=self.key, keyname=self.key.name)
        dns.query.inbound_xfr(HOST, zone, query, port=self.port, timeout=10)
        found: dict[str, set[str]] = {}
        for name, _, rdata in zone.iterate_rdatas():  # relative to the zone
            if str(name) not in _OWN:
                found.setdefault(str(name), set()).add(f"{rdata.rdtype.name} {rdata.to_text()}")
        return found

    def has(self, _kind: str, name: str) -> bool:
        """Is there a record of a tenant, or a proof of one?"""
        return bool({name, f"_tenancy.{name}"} & set(self.records()))

    def add(self, name: str, kind: str, value: str) -> None:
        self._change(lambda update: update.add(name, 300, kind, value))

    def remove(self, name: str, *kind: str) -> None:
        self._change(lambda update: update.delete(name, *kind))

    def make(self, _kind: str, name: str) -> None:
        """A record of this name that is nobody's."""
        self.add(name, "A", "192.0.2.99")

    def clear(self) -> None:
        for name in self.records():
            self.remove(name)

    def _change(self, fill: Any) -> None:
        update = dns.update.UpdateMessage(ZONE, keyring=self.key, keyname=self.key.name)
        fill(update)
        answer = dns.query.tcp(update, HOST, port=self.port, timeout=10)
        assert answer.rcode() == 0, answer


@contextmanager
def dns_server(folder: Path, key: str = SECRET) -> Iterator[DnsServer]:
    """With the example's configuration and zone, on a port of its own. Its log is in the folder."""
    program, server = require("knotd"), DnsServer(any_free(), dns.tsig.Key("tenancy", key))
    for name in ("knot.conf", f"{ZONE}.zone"):
        shutil.copy(EXAMPLE / name, folder)
    settings = (folder / "knot.conf").read_text()
    (folder / "knot.conf").write_text(settings.replace("@5353", f"@{server.port}").replace(SECRET, key))
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([program, "--config", "knot.conf"], stdout=log, stderr=log, cwd=folder)
    try:
        assert poll(60, lambda: _answers(server)), (folder / "log").read_text()
        yield server
    finally:
        process.terminate()
        process.wait()


def _answers(server: DnsServer) -> bool:
    try:
        return server.records() == {}
    except (OSError, EOFError, dns.exception.DNSException):
        return False
