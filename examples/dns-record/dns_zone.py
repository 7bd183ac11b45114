"""A zone on its primary server, read and changed with requests that are signed with TSIG (RFC 8945).

A change is one update (RFC 2136): the server applies it wholly or not at all, and only if its prerequisites hold. So a
record and its proof appear and disappear together, and of two that create one name at once the server refuses one.
A server without the key cannot sign an answer, so the answer of a wrong server is refused.
"""

import ipaddress
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.tsig
import dns.update
import dns.xfr
import dns.zone

OWNER: Final = "_tenancy"
"""The label before a record's name, at which its proof is: a CNAME allows no TXT record at its own name."""
_SECONDS: Final = 3.0
"""For each request. Tenancy gives a call in an unwinding 12 s."""
_READINGS: Final = 5
_OF_DNSSEC: Final = frozenset({dns.rdatatype.RRSIG, dns.rdatatype.NSEC})
_UNMET: Final = frozenset({dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN})


class TryAgainError(Exception):
    """The server cannot answer now, or somebody else changes the same name."""


class MistakeError(Exception):
    """Something that another try does not repair."""


@dataclass(frozen=True)
class Reading:
    """What the zone has of one name. `owner`: the proof beside it, None if there is none."""

    owner: str | None = None
    records: tuple[str, ...] = ()
    """All that is at the name itself, such as `A 192.0.2.1`."""

    @property
    def is_absent(self) -> bool:
        return self.owner is None and not self.records

    @property
    def stranger(self) -> str:
        """Who has a name that is not ours, for people."""
        return self.owner or f"unknown; there is {', '.join(self.records)} without a proof"


class Zone:
    """One zone. `folder` has the connection's fields, as Tenancy mounts them: `schema` is the zone's name."""

    def __init__(self, folder: Path) -> None:
        fields = {file.name: file.read_text().strip() for file in folder.iterdir() if file.is_file()}
        extra = json.loads(fields["extra"] or "{}")
        self.origin = dns.name.from_text(_required(fields, "schema"))
        self.wanted = _record_to(_required(extra, "target"))
        self._ttl = _seconds(extra.get("ttl", 300))
        self._host, self._port = _required(fields, "host"), int(fields["port"] or 53)
        self._key = _key(fields, extra.get("algorithm", "hmac-sha256"))

    def host(self, name: str) -> str:
        """The full name of a tenant's record, without the last dot."""
        return str(self._at(name)).rstrip(".")

    def leads_to_target(self, found: Reading) -> bool:
        """Has the name the wanted record and nothing else? Upper and lower case are the same in DNS."""
        return [each.lower() for each in found.records] == [" ".join(self.wanted).lower()]

    def read(self, name: str) -> Reading:
        """What there is. The proof is read before and after the record, until both agree: they change together only."""
        for _ in range(_READINGS):
            owner = self._owner(name)
            records = tuple(self._ask(self._at(name), "ANY"))
            if self._owner(name) == owner:
                found = Reading(owner, records)
                return Reading() if found.is_absent or self._is_free(name) else found
        raise TryAgainError(f"{self.host(name)} changes all the time")

    def create(self, name: str, proof: str) -> bool:
        """Make record and proof. False if there is something at one of the two names."""
        update = self._of_free(name)
        update.add(self._at(name), self._ttl, *self.wanted)
        update.add(self._at(f"{OWNER}.{name}"), self._ttl, _txt(proof))
        return self._send(update)

    def replace(self, name: str, proof: str) -> bool:
        """Have the wanted record, and nothing else, at a name of ours. False if it is not ours any more."""
        update = self._of_ours(name, proof)
        update.delete(self._at(name))
        update.add(self._at(name), self._ttl, *self.wanted)
        return self._send(update)

    def delete(self, name: str, proof: str) -> bool:
        """Remove record and proof. False if it is not ours."""
        update = self._of_ours(name, proof)
        update.delete(self._at(name))
        update.delete(self._at(f"{OWNER}.{name}"))
        return self._send(update)

    def proofs(self) -> Iterator[tuple[str, str]]:
        """Name and proof of every record that has one, by a transfer of the zone (AXFR)."""
        zone = dns.zone.Zone(self.origin)
        query, _ = dns.xfr.make_query(zone, keyring=self._key, keyname=self._key.name)
        dns.query.inbound_xfr(self._address, zone, query, port=self._port, timeout=_SECONDS, lifetime=3 * _SECONDS)
        for name, _, rdata in zone.iterate_rdatas("TXT"):
            is_proof = len(name.labels) == 2 and name.labels[0] == OWNER.encode()
            if is_proof and name.labels[1].isascii():  # Tenancy's names are; a stranger's may have any bytes
                yield name.labels[1].decode(), _text(rdata)

    # -- names

    def _at(self, relative: str) -> dns.name.Name:
        return dns.name.from_text(relative, self.origin)

    def _owner(self, name: str) -> str | None:
        """All proofs there, as one text: with a stranger's beside ours the name is not ours."""
        return "; ".join(each.removeprefix("TXT ") for each in self._ask(self._at(f"{OWNER}.{name}"), "TXT")) or None

    def _is_free(self, name: str) -> bool:
        """Is there nothing, whatever queries answer? They are also answered with wildcards; prerequisites are not."""
        return self._send(self._of_free(name))

    # -- requests

    @property
    def _address(self) -> str:
        return str(socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)[0][4][0])

    def _ask(self, name: dns.name.Name, kind: str) -> Iterator[str]:
        query = dns.message.make_query(name, kind)
        query.use_tsig(self._key)
        answer = dns.query.tcp(query, self._address, port=self._port, timeout=_SECONDS)
        if answer.rcode() not in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN} or not answer.flags & dns.flags.AA:
            raise self._refusal(answer.rcode(), f"does not answer for the zone {self.origin}")
        for rrset in answer.answer:
            if rrset.name == name and rrset.rdtype not in _OF_DNSSEC:
                yield from (f"{dns.rdatatype.to_text(rrset.rdtype)} {_text(each)}" for each in rrset)

    def _of_free(self, name: str) -> dns.update.UpdateMessage:
        update = self._update()
        update.absent(self._at(name))
        update.absent(self._at(f"{OWNER}.{name}"))
        return update

    def _of_ours(self, name: str, proof: str) -> dns.update.UpdateMessage:
        update = self._update()
        update.present(self._at(f"{OWNER}.{name}"), _txt(proof))
        return update

    def _update(self) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage(self.origin, keyring=self._key, keyname=self._key.name)

    def _send(self, update: dns.update.UpdateMessage) -> bool:
        """False if a prerequisite did not hold: then nothing was changed."""
        code = dns.query.tcp(update, self._address, port=self._port, timeout=_SECONDS).rcode()
        if code not in {dns.rcode.NOERROR, *_UNMET}:
            raise self._refusal(code, f"refuses an update of the zone {self.origin}")
        return code == dns.rcode.NOERROR

    def _refusal(self, code: int, sentence: str) -> Exception:
        kind = TryAgainError if code == dns.rcode.SERVFAIL else MistakeError
        return kind(f"{self._host} {sentence} ({dns.rcode.to_text(dns.rcode.Rcode(code))})")


def _required(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise MistakeError(f"the connection has no {name}")
    return value


def _key(fields: Mapping[str, str], algorithm: str) -> dns.tsig.Key:
    try:
        key = dns.tsig.Key(fields["login"], fields["password"], algorithm)
        dns.tsig.HMACTSig(key.secret, key.algorithm)  # type: ignore[no-untyped-call] # it checks the algorithm
    except ValueError as error:
        raise MistakeError("the connection's password is not a TSIG key in base64") from error
    except NotImplementedError as error:
        raise MistakeError("the connection's algorithm is unknown: write one such as hmac-sha256") from error
    return key


def _seconds(ttl: Any) -> int:
    try:
        return int(ttl)
    except (TypeError, ValueError) as error:
        raise MistakeError("the connection's ttl is not a number of seconds") from error


def _record_to(target: str) -> tuple[str, str]:
    """Type and value of a record that leads to this address or host."""
    try:
        address = ipaddress.ip_address(target)
    except ValueError:
        return "CNAME", str(dns.name.from_text(target))
    return ("A" if address.version == 4 else "AAAA"), str(address)


def _txt(text: str) -> dns.rdata.Rdata:
    """A TXT record is a list of texts of at most 255 bytes each."""
    data = text.encode()
    parts = [data[at : at + 255] for at in range(0, len(data), 255)]
    return dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, dns.rdatatype.TXT, parts)


def _text(rdata: dns.rdata.Rdata) -> str:
    strings = getattr(rdata, "strings", None)
    return rdata.to_text() if strings is None else b"".join(strings).decode(errors="replace")
