"""Texts of the console: durations, times, the meaning of each state. Pure. The next action is in
activities/advice.py."""

from datetime import UTC, datetime
from typing import Final

from tenancy.saga.states import Phase

PHASE_HEADINGS: Final = {
    Phase.PROVISIONING: "It is being provisioned",
    Phase.CANCELLING: "It is being cancelled: everything created so far is being removed",
    Phase.FAILED_UNWINDING: "It failed, and everything it created is being removed",
    Phase.FAILED_SETTLED: "Nothing is left of it, and that was checked",
    Phase.FAILED_READY: "It is reset, and can be retried",
    Phase.FAILED_RETAINED: "It failed, and all its resources are kept",
    Phase.FAILED_STUCK: "Undoing it ran out of tries: something may be left",
    Phase.ACTIVE: "It is active",
    Phase.DECOMMISSIONING: "It is being decommissioned: everything it has is being removed",
    Phase.DECOMMISSIONED: "It is decommissioned: nothing is left of it",
}
SUBSTATE_TEXTS: Final = {
    Phase.CANCELLING: "being undone",
    Phase.FAILED_UNWINDING: "being undone",
    Phase.FAILED_SETTLED: "nothing left",
    Phase.FAILED_READY: "reset, may be retried",
    Phase.FAILED_RETAINED: "resources kept",
    Phase.FAILED_STUCK: "undoing ran out of tries",
    Phase.DECOMMISSIONING: "being released",
    Phase.DECOMMISSIONED: "nothing left",
}
"""The sub-state next to a pill."""
TONES: Final = {
    Phase.PROVISIONING: "run",
    Phase.CANCELLING: "undo",
    Phase.FAILED_UNWINDING: "undo",
    Phase.FAILED_SETTLED: "bad",
    Phase.FAILED_READY: "idle",
    Phase.FAILED_RETAINED: "warn",
    Phase.FAILED_STUCK: "bad",
    Phase.ACTIVE: "done",
    Phase.DECOMMISSIONING: "undo",
    Phase.DECOMMISSIONED: "idle",
}
"""The colour of a phase; the word next to it has the same meaning."""


def duration(seconds: float) -> str:
    """A short form: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min, 3 d 4 h."""
    whole = int(seconds)
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 and whole < 600 else f"{whole // 60} min"
    if whole < 86400:
        return _pair(whole // 3600, "h", whole % 3600 // 60, "min")
    return _pair(whole // 86400, "d", whole % 86400 // 3600, "h")


def _pair(large: int, unit: str, small: int, part: str) -> str:
    return f"{large} {unit} {small} {part}" if small and large < 10 else f"{large} {unit}"


def countdown(seconds: float) -> str:
    """3:12; 0:00 when it is over."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    return f"{minutes}:{rest:02}"


def clock(at: datetime) -> str:
    """14:03:22, in UTC: operators in two time zones read the same."""
    return at.astimezone(UTC).strftime("%H:%M:%S")


def moment(at: datetime) -> str:
    """2026-11-23 14:03:22, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def stamp(at: datetime) -> str:
    """For the attribute `datetime`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
