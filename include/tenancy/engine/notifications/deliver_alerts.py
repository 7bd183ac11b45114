"""Delivers the alerts in the outbox, at least once to each channel. Called by the DAG tenant_notifications.

Nothing else waits for it. An alert is claimed before it is sent, so that another process can take over one minute after
a sender died. If a channel fails, delivery is retried for a day, with growing pauses.
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
DELIVERIES_PER_PASS: Final = 20
"""Deliveries in one pass. At 5 s each a pass ends within two minutes; the next pass continues."""


@dataclass(frozen=True)
class Channel:
    """A notification channel. `send` raises any exception on failure."""

    send: Callable[[Delivery], None]
    first_retry: timedelta = FIRST_RETRY


def deliver(ledger: Ledger, channels: Mapping[str, Channel]) -> str:
    """One pass. Returns a summary in one sentence."""
    done: Counter[str] = Counter()
    with ledger.open("tenancy notify") as session:
        alerts.address_alerts(session, channels)
        for _ in range(DELIVERIES_PER_PASS):
            delivery = alerts.claim_delivery(session, channels)
            if delivery is None:
                break
            done[_send(session, delivery, channels[delivery.channel])] += 1
        alerts.delete_old_alerts(session)
    summary = ", ".join(f"{count} {what}" for what, count in sorted(done.items()))
    return summary or ("nothing to send" if channels else "not sent: no channel has a connection")


def next_try_at(delivery: Delivery, now: datetime, first: timedelta = FIRST_RETRY) -> datetime | None:
    """When to try again after a failure; None to give up. `tries` includes the one that has just failed."""
    wait = min(first * 2 ** min(delivery.tries - 1, 20), max(first, SLOWEST_RETRY))
    return now + wait if now + wait < delivery.raised_at + TRIED_FOR else None


def _send(ledger: LedgerSession, delivery: Delivery, channel: Channel) -> str:
    try:
        channel.send(delivery)
    except Exception as error:  # noqa: BLE001 - one failing channel must not stop the other deliveries
        again = next_try_at(delivery, ledger.now, channel.first_retry)
        message = message_of(error)
        log.warning("%s did not accept %s (try %d): %s", delivery.channel, delivery.alert.key, delivery.tries, message)
        alerts.record_failure(ledger, delivery, error=message, next_try_at=again)
        return "put off" if again else "given up"
    _record_escalation(ledger, delivery)
    alerts.record_sent(ledger, delivery)
    return "sent"


def _record_escalation(ledger: LedgerSession, delivery: Delivery) -> None:
    """Record as a fact that a channel accepted an escalation. Before `sent`: if this process dies in between, the
    message is sent twice, but the fact is not lost."""
    alert = delivery.alert
    if alert.tenant_id and alert.key.startswith(f"{alerts.ESCALATION_PREFIX}:"):
        ledger.record(alert.tenant_id, c.RecordEscalationSent(delivery.channel), stamp=Stamp("notifications"))
