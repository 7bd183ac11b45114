"""Runs `tenantctl` in tests: with a fake API, a clock that does not wait, and prepared answers."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tenantctl.cli import main
from tenantctl.environment import Environment
from tenantctl.token_store import KEEP_NOTHING, TokenStore
from tests.contract.fake_tenancy_api import PASSWORD, FakeTenancy

ENVIRON = {"TENANCY_URL": "https://tenancy.example", "TENANCY_USER": "op", "TENANCY_PASSWORD": PASSWORD}


@dataclass
class CommandResult:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class SleepingClock:
    """Sleeping moves it."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def run(
    api: FakeTenancy,
    *arguments: str,
    typed: Sequence[str] | None = None,
    stdin: str = "",
    environ: dict[str, str] | None = None,
    home: Path = Path("/nowhere"),
    terminal: bool = False,
    clock: SleepingClock | None = None,
    tokens: TokenStore = KEEP_NOTHING,
) -> CommandResult:
    """Run one command; `stdin` is its whole input, `typed` are the operator's answers, None when nobody is there."""
    out, err, clock = io.StringIO(), io.StringIO(), clock or SleepingClock()
    answers = list(typed or ())

    def ask(question: str, hidden: bool) -> str:
        err.write(question)
        return answers.pop(0)

    environment = Environment(
        stdout=out,
        stderr=err,
        stdout_is_terminal=terminal,
        tokens=tokens,
        stdin=io.StringIO(stdin),
        environ=ENVIRON if environ is None else environ,
        sandbox_home=home,
        prompt=None if typed is None else ask,
        transport=api.transport,
        sleep=clock.sleep,
        clock=lambda: clock.now,
    )
    code = main(list(arguments), environment)
    return CommandResult(code, out.getvalue(), err.getvalue())
