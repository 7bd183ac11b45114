"""How long each activity usually takes: of its last completions, the median and what 95 of 100 needed. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from tenancy.ledger.ledger import LedgerSession

SAMPLE_SIZE = 700
"""Completions that are looked at, of all activities together: about a hundred tenants."""
MIN_COMPLETIONS = 5
"""Completions below which nothing is called usual."""


@dataclass(frozen=True)
class DurationStats:
    """Of `count` completions."""

    median_seconds: float
    p95_seconds: float
    count: int


def load_durations(
    ledger: LedgerSession, *, since: datetime | None = None, enough: int = MIN_COMPLETIONS
) -> dict[str, DurationStats]:
    """By activity; one that was completed fewer times than `enough` is not there."""
    rows = ledger.rows("activity_durations", recent=SAMPLE_SIZE, since=since, enough=enough)
    return {row["activity"]: DurationStats(row["median"], row["most"], row["completions"]) for row in rows}
