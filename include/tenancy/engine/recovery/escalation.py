"""Escalation: the message to platform engineering, with what the runbook asks to capture, and its delivery status.

The action itself calls `send_escalations`, and so does each pass of the reconciler, in case the action's process died.
deliver_alerts.py records as a fact that a channel has accepted the message.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from tenancy.activities.registry import label_of
from tenancy.ledger import alerts
from tenancy.ledger.action_history import build_action_history, count_actions
from tenancy.ledger.alerts import Alert
from tenancy.ledger.envelope import Envelope
from tenancy.ledger.escalations import DeliveryStatus, Escalation, load_unsent_escalations
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga import facts as f
from tenancy.saga.causes import Cause
from tenancy.saga.evolve import fold
from tenancy.saga.names import TenantId
from tenancy.saga.states import State
from tenancy.saga.tenant import Saga

AT_MOST: Final = 100
"""In one pass."""
NEWS: Final = timedelta(days=1)
"""Older escalations are not sent: they were recorded by a version that sent nothing."""
SENT_BY: Final = timedelta(minutes=5)
"""The reconciler runs every 30 s and a delivery takes seconds. After this time the operator should not wait any
longer."""
_CHANNELS: Final = {"slack": "Slack", "smtp": "email", "webhook": "the webhook"}
_YOURSELF: Final = "tell platform engineering yourself, with what this page shows"
_ACTIONS_AT_MOST: Final = 10
"""In one message. The tenant's page and the API have all of them."""


def send_escalations(ledger: LedgerSession) -> int:
    """Put a message into the outbox for each escalation that has none. Returns how many."""
    found = load_unsent_escalations(ledger, since=ledger.now - NEWS, limit=AT_MOST)
    for tenant_id, seq in found:
        alerts.raise_alert(ledger, message_of(tenant_id, ledger.envelopes(tenant_id), seq))
    return len(found)


def message_of(tenant_id: TenantId, envelopes: Sequence[Envelope], seq: int) -> Alert:
    """The message for the escalation recorded as fact `seq`, with the tenant's state at that fact."""
    until = [envelope for envelope in envelopes if envelope.seq <= seq]
    saga, escalated = fold(envelope.fact for envelope in until), until[-1]
    assert saga is not None  # it has at least the fact that escalated it
    asked, at = saga.parameters, f"{escalated.at:%Y-%m-%d %H:%M} UTC"
    captured = _captured(saga, until)
    details = {**captured, "escalated_by": escalated.stamp.actor, "reason": escalated.stamp.reason, "escalated_at": at}
    return Alert(
        key=alerts.escalation_key(tenant_id, seq),
        subject=f"Tenant {asked.slug} ({asked.region}) was escalated by {escalated.stamp.actor} at {at}.",
        text=_text(escalated.stamp.reason, captured),
        tenant_id=tenant_id,
        path=f"/tenancy/tenants/{tenant_id}",
        details={name: value for name, value in details.items() if value},
    )


def _captured(saga: Saga, envelopes: Sequence[Envelope]) -> dict[str, str]:
    asked = saga.parameters
    return {
        "tenant_id": str(saga.tenant_id),
        "slug": asked.slug,
        "region": asked.region,
        "plan": asked.plan,
        "state": saga.phase,
        "attempt": str(saga.attempt),
        "last_successful_activity": _last_successful(saga, envelopes),
        "error": _error(saga, envelopes),
        "tried": _tried(envelopes),
    }


def _text(reason: str, captured: dict[str, str]) -> str:
    named = (f"{name.replace('_', ' ').capitalize()}: {value}" for name, value in captured.items() if value)
    return "\n".join([f"Reason: {reason}" if reason else "No reason was given.", *named])


def _last_successful(saga: Saga, envelopes: Sequence[Envelope]) -> str:
    done = (each.fact for each in reversed(envelopes) if each.attempt == saga.attempt)
    name = next((fact.activity for fact in done if isinstance(fact, f.ActivityCompleted)), None)
    return label_of(name) if name else f"none in attempt {saga.attempt}"


def _error(saga: Saga, envelopes: Sequence[Envelope]) -> str:
    """What keeps it: the open stall, a failed compensation, the hold, what the current activity reports, else the
    attempt's last error. An earlier attempt's error may have another cause."""
    if saga.stall and saga.stall.cause is not Cause.UNKNOWN:
        return saga.stall.message
    if saga.unwinding.failure:
        return saga.unwinding.failure.message
    unexplained = saga.stall.message if saga.stall else "none is recorded"
    return saga.hold.reason or _of_activity(saga, envelopes) or unexplained


def _of_activity(saga: Saga, envelopes: Sequence[Envelope]) -> str:
    """What the current activity waits for, or the attempt's last error. What an Active tenant met is over."""
    if saga.state is State.ACTIVE:
        return ""
    if saga.state is State.PROVISIONING and saga.current_activity and saga.step(saga.current_activity).message:
        return f"{label_of(saga.current_activity)}: {saga.step(saga.current_activity).message}"
    errors = (each.fact for each in reversed(envelopes) if each.attempt == saga.attempt)
    last = next((fact for fact in errors if isinstance(fact, f.ProvisioningFailed | f.ActivityFailed)), None)
    return f"{label_of(last.activity)}: {last.message}" if last else ""


def _tried(envelopes: Sequence[Envelope]) -> str:
    """How often each step of the runbook was taken so far; below, the newest actions with their results."""
    history = build_action_history(envelopes)
    older = len(history) - _ACTIONS_AT_MOST
    not_listed = [f"- {older} older action{'s' if older > 1 else ''}"] if older > 0 else []
    listed = [f"- {each}" for each in history[-_ACTIONS_AT_MOST:]]
    return "\n".join([count_actions(history), *not_listed, *listed])


def outcome(escalation: Escalation, now: datetime) -> str:
    """The delivery status of an escalation, as a sentence: which channel accepted it and when, or that none did."""
    if escalation.raised_at is None:
        return f"Escalated; it is no longer known whether a channel accepted the message. If in doubt, {_YOURSELF}."
    if escalation.deliveries:
        return _of_deliveries(escalation.deliveries)
    if escalation.addressed:
        see = "(docs/operating/notifications.md)"
        return f"Escalated, but no channel is configured, so nothing was sent: {_YOURSELF}. {see}"
    waits = now - escalation.raised_at
    if waits > SENT_BY:
        return f"Escalated, but not sent for {waits // timedelta(minutes=1)} min: {_YOURSELF}."
    return "Escalated; the message to platform engineering is being sent, usually within a minute."


def _of_deliveries(deliveries: Sequence[DeliveryStatus]) -> str:
    sent = [each for each in deliveries if each.sent_at]
    if sent:
        return f"Escalated; sent to {_and([_accepted(each) for each in sent])}."
    waiting = [each for each in deliveries if each.next_try_at]
    if waiting:
        return f"Escalated, but not sent yet: {_refused(waiting[0])} It is tried again; if it is urgent, {_YOURSELF}."
    return f"Escalated, but not sent: {_refused(deliveries[0])} It is not tried again: {_YOURSELF}."


def is_over(escalation: Escalation) -> bool:
    """Is the first delivery over, successful or not?"""
    waits = any(each.next_try_at and not each.tries for each in escalation.deliveries)
    return escalation.addressed and not waits


def _accepted(delivery: DeliveryStatus) -> str:
    assert delivery.sent_at is not None  # by its caller
    return f"{_channel(delivery)} at {delivery.sent_at:%H:%M} UTC on {delivery.sent_at:%Y-%m-%d}"


def _refused(delivery: DeliveryStatus) -> str:
    name = _channel(delivery)
    return f"{name[0].upper()}{name[1:]} did not accept it ({delivery.error.rstrip('.') or 'not tried yet'})."


def _channel(delivery: DeliveryStatus) -> str:
    return _CHANNELS.get(delivery.channel, delivery.channel)


def _and(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
