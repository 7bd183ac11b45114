"""One rule of the contract: a sentence, and how it is checked."""

from collections.abc import Callable
from dataclasses import dataclass

from tenancy.testing.bench import ActivityBench


class BrokenRuleError(AssertionError):
    """The activity does not keep the rule. The message says what was found."""


@dataclass(frozen=True)
class Check:
    """A rule. `run` raises BrokenRuleError, or whatever the activity raised."""

    sentence: str
    run: Callable[[ActivityBench], None]
    needs_foreign: bool = False
    """Is there nothing to check when the bench has no `make_foreign`?"""

    def __str__(self) -> str:
        return self.sentence


def require(kept: bool, found: str) -> None:
    """BrokenRuleError with what was found, unless the rule is kept."""
    if not kept:
        raise BrokenRuleError(found)
