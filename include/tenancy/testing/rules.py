"""Runs the rules on a bench, one by one, once its system could be entered."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tenancy.saga.errors import OtherSystemError, PlatformError, Refused, TransientError
from tenancy.testing.bench import ActivityBench
from tenancy.testing.check import Check
from tenancy.testing.checks import CHECKS
from tenancy.testing.progress import Progress


class SetupFaultError(PlatformError):
    """The system could not be entered, so nothing was tested."""


def rules_with(text: str) -> tuple[Check, ...]:
    """The rules whose sentence contains the text. Refused when none does."""
    found = tuple(check for check in CHECKS if text.casefold() in check.sentence.casefold())
    if not found:
        sentences = "".join(f"\n  {check.sentence}" for check in CHECKS)
        raise Refused(f"No rule contains '{text}'. The rules are:{sentences}")
    return found


def outcomes(bench: ActivityBench, rules: Sequence[Check], progress: Progress) -> Iterator[dict[str, Any]]:
    """What became of each rule. SetupFaultError before the first one if the system cannot be entered."""
    _enter(bench)
    for check in rules:
        if check.needs_foreign and bench.make_foreign is None:
            yield {"rule": check.sentence, "outcome": "skipped", "problem": "give --foreign", "seconds": 0.0}
            continue
        progress.rule, began = check.sentence, time.monotonic()
        problem = _problem(check.run, bench)
        outcome, seconds = "broken" if problem else "kept", round(time.monotonic() - began, 2)
        yield {"rule": check.sentence, "outcome": outcome, "problem": problem, "seconds": seconds}


def _enter(bench: ActivityBench) -> None:
    """Locate and read, as the rules do. SetupFaultError for a fault of the setup; the rules judge all else."""
    try:
        tenant = bench.tenant()
        for read in (tenant.observe, bench.discover):
            _raise_platform_errors(read)
    except OtherSystemError:
        return  # locate and the activity disagree on the system: its own mistake
    except (PlatformError, TransientError) as error:  # transient: nothing answers, most likely at a wrong address
        raise SetupFaultError(f"The system could not be entered, so nothing was tested: {error}") from error
    except Exception:  # noqa: BLE001 - the activity's own: any
        return


def _raise_platform_errors(read: Callable[[], object]) -> None:
    try:
        read()
    except PlatformError:
        raise
    except Exception:  # noqa: BLE001 - a rule reports it
        return


def _problem(run: Callable[[ActivityBench], None], bench: ActivityBench) -> str:
    try:
        run(bench)
    except Exception as error:  # noqa: BLE001 - the activity's own: any
        return str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
    return ""
