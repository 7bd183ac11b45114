"""The cells of the table of states and commands: the facts that a command makes, or words of its refusal."""

from dataclasses import dataclass

from tenancy.saga import facts as f
from tests.unit.sagas import NO_SAGA


@dataclass(frozen=True)
class Makes:
    """These facts, in this order."""

    facts: tuple[type[f.Fact], ...]


@dataclass(frozen=True)
class Refuses:
    """One sentence with all these words in it."""

    words: tuple[str, ...]
    field: str | None = None
    retry_after: int | None = None
    stale: bool = False


Answer = Makes | Refuses
Row = dict[str, Answer]


def makes(*facts: type[f.Fact]) -> Makes:
    return Makes(facts)


def refuses(*words: str, field: str | None = None, retry_after: int | None = None) -> Refuses:
    return Refuses(words, field, retry_after)


def stale(*words: str) -> Refuses:
    return Refuses(words, stale=True)


def row(cells: dict[str, Answer], otherwise: Row | None = None) -> Row:
    """`a | b` names several phases of one answer; `otherwise` fills the phases that are not named."""
    named = {phase: answer for phases, answer in cells.items() for phase in phases.split(" | ")}
    return {**(otherwise or {}), NO_SAGA: refuses("no such tenant"), **named}


NO_FACTS = makes()

TO_BE_UNWOUND = "Cancelling | Failed unwinding | Decommissioning"
