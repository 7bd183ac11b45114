"""Remedy and Advice: what an operator should do next. activities/advice.py computes the advice for a tenant."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Remedy:
    """What to do about one cause. `action` is the console's action that does it; empty when none does.

    `once_escalated`: the sentence for a tenant that is escalated already, where `sentence` says to escalate.
    """

    sentence: str
    action: str = ""
    once_escalated: str | None = None


def escalate(reason: str) -> Remedy:
    """Escalate for this reason; once that is done, the reason remains."""
    return Remedy(f"Escalate: {reason}", "escalate", f"{reason[0].upper()}{reason[1:]}")


@dataclass(frozen=True)
class Advice:
    """The next action for a tenant. Console, API, command line and notifications show the same sentence.

    `until`: wait until then first. `not_its_fault`: the platform is at fault, not the tenant. `warning`: something is
    wrong, although no time limit has passed yet.
    """

    sentence: str
    action: str = ""
    until: datetime | None = None
    not_its_fault: bool = False
    warning: bool = False
