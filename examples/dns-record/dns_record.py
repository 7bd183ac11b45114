"""The image `dns-record`: for each tenant a DNS record that leads to the region's ingress.

Tenancy calls it with a verb, as docs/extending/container-activities.md says. It needs Python and dnspython, and nothing
of Tenancy. Beside the record `<name>.<zone>`, the TXT record `_tenancy.<name>.<zone>` has the ownership proof.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import dns.exception
import dns.tsig
from dns_zone import MistakeError, TryAgainError, Zone

_SYSTEM: Final = "dns"
"""As in the product's file: connections = ["dns"]."""
_RESULT_BYTES: Final = 4096
_FAILED, _TRY_AGAIN = 1, 75  # 75 is EX_TEMPFAIL


def run(zone: Zone, name: str, proof: str) -> dict[str, Any]:
    found = zone.read(name)
    if found.is_absent and not zone.create(name, proof):
        found = zone.read(name)  # somebody was faster: an earlier try of ours, or a stranger
        if found.is_absent:
            raise TryAgainError(f"{zone.host(name)} was there and is gone")
    if not found.is_absent and found.owner != proof:
        return {"foreign": found.stranger}
    is_other = not found.is_absent and not zone.leads_to_target(found)
    if is_other and not zone.replace(name, proof):
        raise TryAgainError(f"{zone.host(name)} lost its proof meanwhile")
    return {"outputs": {"host": zone.host(name)}}


def compensate(zone: Zone, name: str, proof: str) -> dict[str, Any]:
    if zone.delete(name, proof):
        return {}
    found = zone.read(name)
    if found.owner == proof:
        raise TryAgainError(f"{zone.host(name)} was made meanwhile")
    return {} if found.is_absent else {"foreign": found.stranger}


def observe(zone: Zone, name: str, proof: str) -> dict[str, Any]:
    found = zone.read(name)
    if found.is_absent:
        return {"present": False}
    why = ""
    if found.owner != proof:
        why = f"{zone.host(name)} is not ours (owner: {found.stranger})"
    elif not zone.leads_to_target(found):
        # The target itself is a text of `extra`, and Tenancy shows none of them: they may be secrets.
        why = f"{zone.host(name)} does not lead to the target: it has {', '.join(found.records) or 'no record'}"
    return {"present": True, "healthy": not why, "why": why}


def discover(zone: Zone, prefix: str) -> dict[str, Any]:
    found = [{"name": name, "proof": proof} for name, proof in zone.proofs() if proof.startswith(prefix)]
    result = {"objects": found}
    if len(json.dumps(result)) < _RESULT_BYTES:
        return result
    for each in found:
        print(json.dumps(each))
    return {"objects_in_log": len(found)}


def call(given: dict[str, Any]) -> dict[str, Any]:
    """The result of one call. `given` is its input."""
    zone = Zone(Path(os.environ["TENANCY_CONNECTIONS"]) / _SYSTEM)
    if given["verb"] == "discover":
        return discover(zone, given["proof_prefix"])
    verbs = {"run": run, "compensate": compensate, "observe": observe}
    return verbs[given["verb"]](zone, given["resource"]["name"], given["proof"])


def main() -> int:
    """The exit code. What went wrong is the last line of the output; it has no key in it."""
    given = json.loads(Path(os.environ["TENANCY_INPUT"]).read_text())
    try:
        result = call(given)
    except (TryAgainError, OSError, EOFError, dns.exception.Timeout) as error:
        return _end(_TRY_AGAIN, f"{error or type(error).__name__}: try again")
    except (dns.tsig.BadTime, dns.tsig.PeerBadTime):
        return _end(_TRY_AGAIN, "this machine's clock and the server's differ too much: set them and try again")
    except dns.tsig.PeerError as error:
        return _end(_FAILED, f"the server does not accept the connection's key: {error}")
    except dns.exception.FormError as error:
        return _end(_FAILED, f"the answer is not signed with the connection's key ({error}): is the zone right?")
    except (MistakeError, dns.exception.DNSException) as error:
        return _end(_FAILED, str(error))
    Path(os.environ["TENANCY_RESULT"]).write_text(json.dumps(result))
    return 0


def _end(code: int, sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
