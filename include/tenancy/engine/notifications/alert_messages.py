"""Alert messages: the text of an alert, and its form for each notification channel. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from tenancy.ledger.alerts import Alert, Delivery
from tenancy.saga.names import TenantId

VERSION: Final = 1
"""The version of the webhook's body; its schema is in docs/operating/notifications.md."""
_SUBJECT_LIMIT: Final = 200


def stall_alert(
    *,
    key: str,
    tenant_id: TenantId,
    slug: str,
    region: str,
    what: str,
    since: datetime,
    cause: str,
    next_action: str,
    details: Mapping[str, str],
) -> Alert:
    """A tenant does not get on. `what` ends the sentence that its name begins; `cause` is a sentence."""
    subject = f"Tenant {slug} ({region}) {what}, since {_clock(since)}."
    path = f"/tenancy/tenants/{tenant_id}"
    return Alert(key, subject, _text(cause, next_action), tenant_id, path, {**details, "since": _iso(since)})


def group_alert(
    *,
    key: str,
    tenants: int,
    what: str,
    since: datetime,
    cause: str,
    next_action: str,
    path: str,
    details: Mapping[str, str],
) -> Alert:
    """Several tenants do not get on, for one cause: a class issue, not any single tenant's."""
    subject = f"A class issue: {tenants} tenants {what} for one cause, since {_clock(since)}."
    return Alert(key, subject, _text(cause, next_action), None, path, {**details, "since": _iso(since)})


@dataclass(frozen=True)
class Message:
    """A delivery with its link, as the channels need it."""

    delivery: Delivery
    url: str
    platform: str

    @property
    def subject(self) -> str:
        """One line: it becomes a mail header."""
        return " ".join(self.delivery.alert.subject.split())[:_SUBJECT_LIMIT]

    def webhook(self) -> dict[str, Any]:
        """The JSON body for the webhook channel."""
        delivery, alert = self.delivery, self.delivery.alert
        return {
            "version": VERSION,
            "key": alert.key,
            "platform": self.platform,
            "raised_at": _iso(delivery.raised_at),
            "subject": self.subject,
            "text": alert.text,
            "url": self.url,
            "tenant": {"id": str(alert.tenant_id), "slug": delivery.slug} if alert.tenant_id else None,
            "details": dict(alert.details),
        }

    def slack(self) -> dict[str, Any]:
        """The body for Slack's incoming webhooks. `&`, `<` and `>` are escaped, so that no text becomes a mention."""
        lines = [f"*{_slack(self.subject)}*", _slack(self.delivery.alert.text), f"<{self.url}|Open it in the console>"]
        return {"text": "\n".join(line for line in [*lines, f"_{_slack(self._footer)}_"] if line)}

    def html(self) -> str:
        """For a mail."""
        paragraphs = [escape(self.subject), *map(escape, self.delivery.alert.text.splitlines())]
        link = f'<a href="{escape(self.url)}">{escape(self.url)}</a>'
        return "".join(f"<p>{each}</p>" for each in [*paragraphs, link, f"<small>{escape(self._footer)}</small>"])

    @property
    def _footer(self) -> str:
        alert = self.delivery.alert
        tenant = f"tenant {self.delivery.slug or '(unknown)'} ({alert.tenant_id}), " if alert.tenant_id else ""
        return f"{tenant}platform {self.platform}, {alert.key}"


def _text(cause: str, next_action: str) -> str:
    return f"{cause}\nNext: {next_action}" if next_action else cause


def _clock(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _iso(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
