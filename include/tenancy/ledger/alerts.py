"""The outbox of notifications: what somebody is to be told, and which channel has taken it. Rows only; no judgement.

`raise_alert` is for whoever finds something out (the recorder of stalls, the finder of classes), within its transaction
if it has one; engine/deliver_alerts.py delivers. Time is the ledger's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import TenantId

RETENTION: Final = timedelta(days=30)
"""Then it is forgotten, and the same key would be told again."""


ESCALATION_PREFIX: Final = "escalation"
"""How the keys of escalations' messages begin."""


@dataclass(frozen=True)
class Alert:
    """One message. `key` names what it is about, so that it is told once; `path` is a page below Airflow's address."""

    key: str
    subject: str
    """One sentence: what, where, since when."""
    text: str
    """The cause, and what to do next."""
    tenant_id: TenantId | None = None
    path: str = "/tenancy/"
    details: Mapping[str, str] = field(default_factory=dict)
    """The same for programs: activity, cause, since."""


@dataclass(frozen=True)
class Delivery:
    """An alert on its way to one channel. `slug` is empty when it is about no single tenant."""

    alert: Alert
    slug: str
    raised_at: datetime
    channel: str
    tries: int
    """This one included."""


@dataclass(frozen=True)
class ChannelState:
    """How the deliveries to one channel stand."""

    channel: str
    waiting: int
    given_up: int


def escalation_key(tenant_id: TenantId, seq: int) -> str:
    """The key of the message about the escalation that is this fact of the tenant's."""
    return f"{ESCALATION_PREFIX}:{tenant_id}:{seq}"


def raise_alert(ledger: LedgerSession, alert: Alert) -> None:
    """Have it told, unless its key was told before."""
    ledger.rows("raise_alert", **{**vars(alert), "details": Jsonb(dict(alert.details))}, now=ledger.now)


def has_due_alerts(ledger: LedgerSession) -> bool:
    """Is there anything to be told now?"""
    return bool(ledger.rows("due_alert", now=ledger.now))


def address_alerts(ledger: LedgerSession, channels: Iterable[str]) -> None:
    """New alerts go to these channels; with none, nobody is told. What waits for any other channel is given up."""
    named = list(channels)
    ledger.rows("address_alerts", channels=named, now=ledger.now)
    ledger.rows("withdraw_deliveries", channels=named)


def claim_delivery(ledger: LedgerSession, channels: Iterable[str]) -> Delivery | None:
    """The letter that has waited longest. It is nobody else's for a minute: by then its outcome is noted."""
    now = ledger.now
    rows = ledger.rows("claim_delivery", channels=list(channels), now=now, until=now + timedelta(minutes=1))
    return _delivery(rows[0]) if rows else None


def record_sent(ledger: LedgerSession, letter: Delivery) -> None:
    """The channel has taken it."""
    ledger.rows("delivery_sent", key=letter.alert.key, channel=letter.channel, now=ledger.now)


def record_failure(ledger: LedgerSession, letter: Delivery, *, error: str, next_try_at: datetime | None) -> None:
    """The channel has not; without a next try it is given up. Whatever else waits for the channel waits as long."""
    key, channel = letter.alert.key, letter.channel
    ledger.rows("delivery_failed", key=key, channel=channel, error=error, next_try_at=next_try_at)


def delete_old_alerts(ledger: LedgerSession) -> None:
    """What was raised long ago."""
    ledger.rows("delete_old_alerts", before=ledger.now - RETENTION)


def count_undeliverable(ledger: LedgerSession) -> int:
    """How many alerts of the last day nobody was told, because there is no channel."""
    (row,) = ledger.rows("undeliverable_alerts", since=ledger.now - timedelta(days=1))
    return int(row["alerts"])


def load_channel_states(ledger: LedgerSession) -> list[ChannelState]:
    """How each channel stands that ever had a letter of the last 30 days."""
    return [ChannelState(**row) for row in ledger.rows("channel_states")]


def _delivery(row: dict[str, Any]) -> Delivery:
    tenant_id = TenantId(row["tenant_id"]) if row["tenant_id"] else None
    alert = Alert(row["key"], row["subject"], row["body"], tenant_id, row["path"], row["details"])
    return Delivery(alert, row["slug"] or "", row["raised_at"], row["channel"], row["tries"])
