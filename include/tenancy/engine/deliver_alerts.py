"""Delivers what is in the outbox: each letter at least once, to each channel that there is. Called by a DAG of its own.

Nothing else waits for it. A letter is claimed before it is sent, so that a sender that dies is taken over a minute
later; a channel that refuses or does not answer is tried again, later each time, for a day.
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tenancy.engine.tenancy import message_of
from tenancy.ledger import alerts
from tenancy.ledger.alerts import Delivery
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, LedgerSession
from tenancy.saga import commands as c

log = logging.getLogger(__name__)

FIRST_RETRY: Final = timedelta(seconds=30)
SLOWEST_RETRY: Final = timedelta(minutes=15)
TRIED_FOR: Final = timedelta(days=1)
LETTERS: Final = 20
"""In one pass: at 5 s each, a pass ends within two minutes. The next one goes on."""


@dataclass(frozen=True)
class Channel:
    """A way to somebody. `send` raises whatever went wrong."""

    send: Callable[[Delivery], None]
    first_retry: timedelta = FIRST_RETRY


def deliver(ledger: Ledger, channels: Mapping[str, Channel]) -> str:
    """One pass; says in one sentence what it did."""
    done: Counter[str] = Counter()
    with ledger.open("tenancy notify") as session:
        alerts.address_alerts(session, channels)
        for _ in range(LETTERS):
            letter = alerts.claim_delivery(session, channels)
            if letter is None:
                break
            done[_send(session, letter, channels[letter.channel])] += 1
        alerts.delete_old_alerts(session)
    said = ", ".join(f"{count} {what}" for what, count in sorted(done.items()))
    return said or ("nothing to send" if channels else "nobody to tell: no channel has a connection")


def next_try_at(letter: Delivery, now: datetime, first: timedelta = FIRST_RETRY) -> datetime | None:
    """When a letter that was not taken is tried again; None when that is enough. `tries` counts the one that failed."""
    wait = min(first * 2 ** min(letter.tries - 1, 20), max(first, SLOWEST_RETRY))
    return now + wait if now + wait < letter.raised_at + TRIED_FOR else None


def _send(ledger: LedgerSession, letter: Delivery, channel: Channel) -> str:
    try:
        channel.send(letter)
    except Exception as error:  # noqa: BLE001 - whatever it was, the others are not to wait for it
        again = next_try_at(letter, ledger.now, channel.first_retry)
        said = message_of(error)
        log.warning("%s was not told of %s (try %d): %s", letter.channel, letter.alert.key, letter.tries, said)
        alerts.record_failure(ledger, letter, error=said, next_try_at=again)
        return "put off" if again else "given up"
    _note_escalation(ledger, letter)
    alerts.record_sent(ledger, letter)
    return "sent"


def _note_escalation(ledger: LedgerSession, letter: Delivery) -> None:
    """That a channel accepted an escalation is a fact of its tenant. Should it be lost, the message is sent again."""
    alert = letter.alert
    if alert.tenant_id and alert.key.startswith(f"{alerts.ESCALATION_PREFIX}:"):
        ledger.record(alert.tenant_id, c.RecordEscalationSent(letter.channel), stamp=Stamp("notifications"))
