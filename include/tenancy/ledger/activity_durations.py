"""How long each activity usually takes: median and 95th percentile of its last completions. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from tenancy.ledger.ledger import LedgerSession

SAMPLE_SIZE = 700
"""How many completions are read, of all activities together: about a hundred tenants."""
MIN_COMPLETIONS = 5
"""With fewer completions, an activity has no usual duration."""


@dataclass(frozen=True)
class DurationStats:
    """The durations of `count` completions."""

    median_seconds: float
    p95_seconds: float
    count: int


def load_durations(
    ledger: LedgerSession, *, since: datetime | None = None, enough: int = MIN_COMPLETIONS
) -> dict[str, DurationStats]:
    """By activity; without those that were completed fewer times than `enough`."""
    rows = ledger.rows("activity_durations", recent=SAMPLE_SIZE, since=since, enough=enough)
    return {row["activity"]: DurationStats(row["median"], row["most"], row["completions"]) for row in rows}
