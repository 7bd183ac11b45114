"""The attempts of a tenant as tabs: number and outcome of each. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tenancy.ledger.envelope import Envelope
from tenancy.ledger.timeline import Timeline
from tenancy.saga import facts as f


@dataclass(frozen=True)
class Tab:
    """One attempt among the others."""

    number: int
    word: str
    shown: bool


def tabs_of(
    history: Sequence[Timeline], envelopes: Iterable[Envelope], *, chosen: Timeline | None, live: bool
) -> tuple[Tab, ...]:
    """The newest first. `live`: the newest continues."""
    return tuple(
        Tab(each.attempt, "now" if live and each is history[-1] else _outcome(envelopes, each.attempt), each is chosen)
        for each in reversed(history)
    )


def _outcome(envelopes: Iterable[Envelope], attempt: int) -> str:
    """An attempt's outcome in one word."""
    for envelope in envelopes:
        if envelope.attempt == attempt:
            for kind, word in _OUTCOMES.items():
                if isinstance(envelope.fact, kind):
                    return word
    return "over"


_OUTCOMES: Final[dict[type[f.Fact], str]] = {
    f.ProvisioningCompleted: "active",
    f.ProvisioningFailed: "failed",
    f.CancelRequested: "cancelled",
    f.RunReset: "reset",
}
