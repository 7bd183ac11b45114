"""The outbox of alerts: what people are to be notified of, and which channel has accepted it. Rows only; no judgement.

`raise_alert` is called where something is found (stalls, incident groups, escalations), in the same transaction if
there is one. engine/notifications/deliver_alerts.py delivers. The clock is the ledger's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import TenantId

RETENTION: Final = timedelta(days=30)
"""After this, an alert is deleted, and the same key could be raised again."""


ESCALATION_PREFIX: Final = "escalation"
"""The first part of the keys of escalations' alerts."""


@dataclass(frozen=True)
class Alert:
    """One message. `key` names its subject, so that it is sent once; `path` is a page below Airflow's address."""

    key: str
    subject: str
    """One sentence: what, where, since when."""
    text: str
    """The cause, and what to do next."""
    tenant_id: TenantId | None = None
    path: str = "/tenancy/"
    details: Mapping[str, str] = field(default_factory=dict)
    """The same in fields for programs: activity, cause, since."""


@dataclass(frozen=True)
class Delivery:
    """An alert on its way to one channel. `slug` is empty when it concerns no single tenant."""

    alert: Alert
    slug: str
    raised_at: datetime
    channel: str
    tries: int
    """This one included."""


@dataclass(frozen=True)
class ChannelState:
    """How many deliveries to one channel wait, and how many were given up."""

    channel: str
    waiting: int
    given_up: int


def escalation_key(tenant_id: TenantId, seq: int) -> str:
    """The key of the alert about the escalation that this fact of the tenant records."""
    return f"{ESCALATION_PREFIX}:{tenant_id}:{seq}"


def raise_alert(ledger: LedgerSession, alert: Alert) -> None:
    """Put it into the outbox, unless its key was raised before."""
    ledger.rows("raise_alert", **{**vars(alert), "details": Jsonb(dict(alert.details))}, now=ledger.now)


def has_due_alerts(ledger: LedgerSession) -> bool:
    """Is there a new alert, or a delivery that is due?"""
    return bool(ledger.rows("due_alert", now=ledger.now))


def address_alerts(ledger: LedgerSession, channels: Iterable[str]) -> None:
    """Address new alerts to these channels; give up deliveries to others. Without channels nobody is notified."""
    named = list(channels)
    ledger.rows("address_alerts", channels=named, now=ledger.now)
    ledger.rows("withdraw_deliveries", channels=named)


def claim_delivery(ledger: LedgerSession, channels: Iterable[str]) -> Delivery | None:
    """The delivery that is due longest. It belongs to the caller for a minute, then to the next who claims it."""
    now = ledger.now
    rows = ledger.rows("claim_delivery", channels=list(channels), now=now, until=now + timedelta(minutes=1))
    return _delivery(rows[0]) if rows else None


def record_sent(ledger: LedgerSession, delivery: Delivery) -> None:
    """The channel accepted it."""
    ledger.rows("delivery_sent", key=delivery.alert.key, channel=delivery.channel, now=ledger.now)


def record_failure(ledger: LedgerSession, delivery: Delivery, *, error: str, next_try_at: datetime | None) -> None:
    """The channel did not accept it. Without a next try it is given up. Others to this channel wait as long."""
    key, channel = delivery.alert.key, delivery.channel
    ledger.rows("delivery_failed", key=key, channel=channel, error=error, next_try_at=next_try_at)


def delete_old_alerts(ledger: LedgerSession) -> None:
    """Delete alerts older than RETENTION."""
    ledger.rows("delete_old_alerts", before=ledger.now - RETENTION)


def count_undeliverable(ledger: LedgerSession) -> int:
    """How many alerts of the last day had no channel."""
    (row,) = ledger.rows("undeliverable_alerts", since=ledger.now - timedelta(days=1))
    return int(row["alerts"])


def load_channel_states(ledger: LedgerSession) -> list[ChannelState]:
    """The state of each channel that had a delivery in the last 30 days."""
    return [ChannelState(**row) for row in ledger.rows("channel_states")]


def _delivery(row: dict[str, Any]) -> Delivery:
    tenant_id = TenantId(row["tenant_id"]) if row["tenant_id"] else None
    alert = Alert(row["key"], row["subject"], row["body"], tenant_id, row["path"], row["details"])
    return Delivery(alert, row["slug"] or "", row["raised_at"], row["channel"], row["tries"])
