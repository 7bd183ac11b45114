"""The outbox of notifications: what somebody is to be told, and which channel has taken it. Rows only; no judgement.

`raise_alert` is for whoever finds something out (the recorder of stalls, the finder of classes), within its transaction
if it has one; engine/notify.py delivers. Time is the ledger's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.names import TenantId

KEPT: Final = timedelta(days=30)
"""Then it is forgotten, and the same key would be told again."""


ESCALATION: Final = "escalation"
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
class Letter:
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
    return f"{ESCALATION}:{tenant_id}:{seq}"


def raise_alert(ledger: LedgerSession, alert: Alert) -> None:
    """Have it told, unless its key was told before."""
    ledger.rows("raise_alert", **{**vars(alert), "details": Jsonb(dict(alert.details))}, now=ledger.now)


def is_due(ledger: LedgerSession) -> bool:
    """Is there anything to be told now?"""
    return bool(ledger.rows("alert_due", now=ledger.now))


def address(ledger: LedgerSession, channels: Iterable[str]) -> None:
    """New alerts go to these channels; with none, nobody is told. What waits for any other channel is given up."""
    named = list(channels)
    ledger.rows("address_alerts", channels=named, now=ledger.now)
    ledger.rows("withdraw_deliveries", channels=named)


def claim(ledger: LedgerSession, channels: Iterable[str]) -> Letter | None:
    """The letter that has waited longest. It is nobody else's for a minute: by then its outcome is noted."""
    now = ledger.now
    rows = ledger.rows("claim_delivery", channels=list(channels), now=now, until=now + timedelta(minutes=1))
    return _letter(rows[0]) if rows else None


def sent(ledger: LedgerSession, letter: Letter) -> None:
    """The channel has taken it."""
    ledger.rows("delivery_sent", key=letter.alert.key, channel=letter.channel, now=ledger.now)


def not_sent(ledger: LedgerSession, letter: Letter, *, error: str, next_try_at: datetime | None) -> None:
    """The channel has not; without a next try it is given up. Whatever else waits for the channel waits as long."""
    key, channel = letter.alert.key, letter.channel
    ledger.rows("delivery_failed", key=key, channel=channel, error=error, next_try_at=next_try_at)


def forget(ledger: LedgerSession) -> None:
    """What was raised long ago."""
    ledger.rows("forget_alerts", before=ledger.now - KEPT)


def untold(ledger: LedgerSession) -> int:
    """How many alerts of the last day nobody was told, because there is no channel."""
    (row,) = ledger.rows("untold_alerts", since=ledger.now - timedelta(days=1))
    return int(row["alerts"])


def channel_states(ledger: LedgerSession) -> list[ChannelState]:
    """How each channel stands that ever had a letter of the last 30 days."""
    return [ChannelState(**row) for row in ledger.rows("channel_states")]


def _letter(row: dict[str, Any]) -> Letter:
    tenant_id = TenantId(row["tenant_id"]) if row["tenant_id"] else None
    alert = Alert(row["key"], row["subject"], row["body"], tenant_id, row["path"], row["details"])
    return Letter(alert, row["slug"] or "", row["raised_at"], row["channel"], row["tries"])
