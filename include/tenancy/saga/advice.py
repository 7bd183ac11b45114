"""What advice is made of: remedies, as data beside what they remedy, and the sentence that comes of them."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Remedy:
    """What to do about something. `action` is the name of the button, empty when it is none of ours."""

    sentence: str
    action: str = ""


@dataclass(frozen=True)
class Advice:
    """The next action, in the same words in console, API, command line and messages.

    `until`: wait until then first; `sentence` says for what. `not_its_fault`: the platform's matter, not the tenant's.
    `warning`: something is wrong, although nothing is over its time yet.
    """

    sentence: str
    action: str = ""
    until: datetime | None = None
    not_its_fault: bool = False
    warning: bool = False
