"""One command's ties: the API, the world, and whether a program reads the answer.

It gives answers out, and asks the operator for what is missing: a reason, a typed slug, a yes. Where nobody can be
asked, what is missing is wrong usage, said in one sentence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from rich.console import RenderableType
from rich.text import Text

from tenantctl.answers import Answer
from tenantctl.client import Api, tenant_path
from tenantctl.exits import CtlError, Misuse
from tenantctl.text import harmless
from tenantctl.world import World

_LONGEST_REASON: Final = 500


@dataclass(frozen=True)
class Session:
    """`json`: stdout is for the API's JSON and nothing else."""

    api: Api
    world: World
    json: bool = False

    def give(self, answer: Answer, draw: Callable[[dict[str, Any]], RenderableType]) -> None:
        """The answer itself: as it came for a program, drawn for a person."""
        if self.json:
            self.give_raw(answer.text)
        else:
            self.world.show(draw(answer.data))

    def give_raw(self, text: str) -> None:
        """JSON as it came over the wire, on a line of its own."""
        self.world.out.file.write(text.rstrip("\n") + "\n")

    def say(self, words: str, style: str = "") -> None:
        """A line for a person; where a program reads stdout, on stderr."""
        (self.world.err if self.json else self.world.out).print(Text(harmless(words, keep_lines=True), style=style))

    def warn(self, words: str) -> None:
        """A line on stderr."""
        self.world.err.print(Text(harmless(words), style="yellow"))

    def tenant(self, ref: str) -> Answer:
        """The tenant as it is now."""
        return self.api.get(tenant_path(ref))

    def reason(self, given: str | None, verb: str) -> str:
        """Why it is done, for the audit log: as given, or asked for."""
        reason = given.strip() if given else ""
        if not reason and self.world.ask:
            reason = self.world.ask(f"Reason to {verb} (goes into the audit log): ", False).strip()
        if not reason:
            raise Misuse(
                f'A reason is missing, the audit log keeps it: add --reason "why", 1 to {_LONGEST_REASON} signs.'
            )
        if len(reason) > _LONGEST_REASON:
            raise Misuse(f"The reason has {len(reason)} signs, at most {_LONGEST_REASON} are kept: shorten it.")
        return reason

    def typed_slug(self, given: str | None, slug: str, why: str) -> str:
        """The slug as typed by the operator: --confirm, or asked for. --yes does not stand for it."""
        typed = given or ""
        if not typed and self.world.ask:
            self.warn(why)
            typed = self.world.ask(f"Type {harmless(slug)} to go on: ", False).strip()
        if not typed:
            raise Misuse(f"{why} Add --confirm {slug} if you mean it.")
        if typed != slug:
            raise Misuse(f"{typed} is not {slug}, so nothing was done.")
        return typed

    def agreed(self, question: str, *, yes: bool) -> None:
        """A person is asked before something is undone; a script has said what it wants by calling us."""
        if yes or self.world.ask is None:
            return
        if self.world.ask(f"{harmless(question)} [y/N] ", False).strip().lower() not in {"y", "yes"}:
            raise CtlError("Nothing was done.")
