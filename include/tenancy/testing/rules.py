"""Runs the rules on a bench, one by one, once its system could be entered."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from tenancy.saga.errors import OtherSystemError, PlatformError, Refused, TenancyError, TransientError
from tenancy.testing.bench import ActivityBench
from tenancy.testing.check import Check
from tenancy.testing.checks import CHECKS
from tenancy.testing.progress import Progress

_READS: Final = 2
"""observe and discover."""


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
    fault = _fault(bench)
    if fault is not None:
        raise SetupFaultError(f"The system could not be entered, so nothing was tested: {fault}") from fault


def _fault(bench: ActivityBench) -> Exception | None:
    try:
        tenant = bench.tenant()
    except (PlatformError, TransientError) as error:  # transient: nothing answers, most likely at a wrong address
        return error
    except Exception:  # noqa: BLE001 - the activity's own: any
        return None
    failed = [found for read in (tenant.observe, bench.discover) if (found := _error_of(read))]
    of_platform = next((each for each in failed if isinstance(each, PlatformError)), None)
    # An image fails with the same error whatever is wrong. If both reads fail, no rule can be kept.
    return of_platform or (failed[0] if len(failed) == _READS else None)


def _error_of(read: Callable[[], object]) -> TenancyError | None:
    """What the read says of the system. Nothing for other errors, and for the wrong system: these are mistakes of the
    activity."""
    try:
        read()
    except OtherSystemError:
        return None
    except TenancyError as error:
        return error
    except Exception:  # noqa: BLE001 - the activity's own: any
        return None
    return None


def _problem(run: Callable[[ActivityBench], None], bench: ActivityBench) -> str:
    try:
        run(bench)
    except Exception as error:  # noqa: BLE001 - the activity's own: any
        return str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
    return ""
