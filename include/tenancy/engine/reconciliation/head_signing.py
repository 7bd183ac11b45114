"""Signs the head of each tenant's fact chain, and finds signatures that are not ours. Called by drift_check.py.

Why: everybody who may write to the ledger's tables can recompute a hash chain, but not a signature.
"""

import logging
from dataclasses import dataclass, field
from typing import Final

from tenancy.engine.tenancy import Tenancy, message_of
from tenancy.ledger import signed_heads
from tenancy.ledger.findings import Finding, FindingKind
from tenancy.ledger.inventory import StoredTenant
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.signed_heads import Head
from tenancy.saga.errors import TenancyError

log = logging.getLogger(__name__)

_FORGED: Final = (
    "The signed heads of the audit log were changed: row {number} of ledger.signed_head is missing or was not signed "
    "with our key. Nothing more is signed. Find out who changed the ledger's tables; compare them with a backup and "
    "with the last signature in the log of an earlier run of tenant_reality_check."
)
_UNREADABLE: Final = "The signed heads of the audit log cannot be verified: {reason}"


@dataclass
class HeadSigning:
    """One pass: verify, collect the heads that are new, sign them."""

    tenancy: Tenancy
    ledger: LedgerSession
    _new: list[Head] = field(default_factory=list)

    def verify(self) -> list[Finding]:
        """A finding when a signature is missing or not ours."""
        try:
            number = signed_heads.find_first_forged(self.tenancy.keyring, signed_heads.load_signed_heads(self.ledger))
        except TenancyError as error:
            return [_finding(_UNREADABLE.format(reason=message_of(error)))]
        return [] if number is None else [_finding(_FORGED.format(number=number))]

    def collect(self, stored: StoredTenant) -> None:
        """Queue the head of this tenant's facts, which were found unaltered, unless it is already signed."""
        if stored.envelopes and (stored.head is None or stored.head.seq < stored.envelopes[-1].seq):
            newest = stored.envelopes[-1]
            self._new.append(Head(stored.tenant_id, newest.seq, newest.hash))

    def sign(self) -> None:
        """Sign the queued heads. The last signature is also logged, because the log is outside the ledger's
        database."""
        previous, at = signed_heads.load_last_signed_head(self.ledger), self.ledger.now
        for head in self._new:
            signed = signed_heads.sign(self.tenancy.keyring, previous, head, at)
            if not signed_heads.append_signed_head(self.ledger, signed):
                break  # another pass signs at the same time
            previous = signed
        if previous is not None:
            log.info("signed heads: %d, key %s, signature %s", previous.id, previous.kid, previous.signature)


def _finding(sentence: str) -> Finding:
    return Finding(FindingKind.DRIFT, "signed heads", "ledger", "", None, sentence)
