"""The error log of one tenant: every failure and refusal, oldest first, read from the facts. Pure.

The end of an attempt that only repeats the message of its last try is left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tenancy.ledger.envelope import Envelope
from tenancy.saga import facts as f


@dataclass(frozen=True)
class ErrorEntry:
    """One failure or refusal. `activity` is empty where it concerns no single one."""

    at: datetime
    attempt: int
    activity: str
    error: str
    message: str


def build_error_log(envelopes: Iterable[Envelope]) -> tuple[ErrorEntry, ...]:
    """All that went wrong or was refused in one tenant's stream."""
    makers: dict[tuple[str, str], str] = {}
    entries: list[ErrorEntry] = []
    for envelope in envelopes:
        if isinstance(envelope.fact, f.ResourceIntended):
            makers[envelope.fact.resource, envelope.fact.name] = envelope.fact.activity
        fields = _entry_fields(envelope.fact, makers)
        if fields is None:
            continue
        entry = ErrorEntry(envelope.at, envelope.attempt, *fields)
        if not (isinstance(envelope.fact, f.ProvisioningFailed) and _repeats(entry, entries)):
            entries.append(entry)
    return tuple(entries)


def _entry_fields(fact: f.Fact, makers: dict[tuple[str, str], str]) -> tuple[str, str, str] | None:  # noqa: PLR0911 - one a kind
    """(activity, error, message) of a fact that belongs in the log."""
    match fact:
        case f.ActivityFailed():
            return fact.activity, fact.error, fact.message
        case f.ProvisioningFailed():
            return fact.activity, "AttemptFailed", fact.message
        case f.CompensationFailed():
            maker = makers.get((fact.resource, fact.name), "")
            return maker, fact.error, f"{fact.resource} {fact.name} could not be undone: {fact.message}"
        case f.UnwindingExhausted():
            return "", "UnwindingExhausted", f"Not undone: {', '.join(fact.left)}."
        case f.ActivityRefused():
            return fact.activity, "Refused", fact.message
        case f.RequestRefused() | f.ActionRefused():
            return "", "Refused", fact.message
    return None


def _repeats(entry: ErrorEntry, entries: list[ErrorEntry]) -> bool:
    before = next((each for each in reversed(entries) if each.activity == entry.activity), None)
    return before is not None and (before.attempt, before.message) == (entry.attempt, entry.message)
