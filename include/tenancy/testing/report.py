"""Prints what became of the rules, and what the person who ran them has to know or do afterwards."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from tenancy.testing.bench import ActivityBench
from tenancy.testing.checks import CHECKS
from tenancy.testing.progress import Progress
from tenancy.testing.rules import SetupFaultError, outcomes, rules_with

_OK, _BROKEN = 0, 1
_QUICK_SECONDS: Final = 1.0
"""How long `--quick` waits after a kill at most."""


def report(bench: ActivityBench, *, rule: str = "", quick: bool = False, as_json: bool = False) -> int:
    """Hold the activity to the rules whose sentence contains `rule`, print the outcome, and return the exit code.

    Notes that are no outcome go to stderr when stdout has JSON.
    """
    rules, progress, left = rules_with(rule), Progress(), list[tuple[str, str]]()
    used = _noting(_in_time(bench, quick=quick), progress, left)
    try:
        code = _report(outcomes(used, rules, progress), as_json=as_json)
        _note([*_not_run(len(CHECKS) - len(rules), rule), *_not_waited(bench, used)], as_json=as_json)
    except SetupFaultError as fault:
        if as_json:
            print("[]")
        print(fault, file=sys.stderr)
        code = _BROKEN
    finally:  # also after Ctrl-C
        _note(_left_behind(left), as_json=as_json)
    return code


def _in_time(bench: ActivityBench, *, quick: bool) -> ActivityBench:
    return replace(bench, late_seconds=min(_QUICK_SECONDS, bench.seconds_after_death)) if quick else bench


def _noting(bench: ActivityBench, progress: Progress, left: list[tuple[str, str]]) -> ActivityBench:
    """The bench, which tells its steps and notes what it makes without a proof."""
    make = bench.make_foreign

    def noted(kind: str, name: str) -> None:
        left.append((kind, name))  # before it is made: a call that fails may have made it
        assert make is not None
        make(kind, name)

    return replace(bench, progress=progress.step, make_foreign=noted if make else None)


def _report(found: Iterable[dict[str, Any]], *, as_json: bool) -> int:
    every = []
    for outcome in found:
        every.append(outcome)
        if not as_json:
            _print(outcome)
    count = Counter(outcome["outcome"] for outcome in every)
    print(json.dumps(every) if as_json else f"{count['kept']} rules are kept, {count['broken']} broken.")
    return _BROKEN if count["broken"] else _OK


def _print(outcome: dict[str, Any]) -> None:
    print(f"{outcome['outcome']:<8}{outcome['rule']}  ({outcome['seconds']} s)", flush=True)
    if outcome["problem"]:
        print(f"{'':<8}{outcome['problem']}", flush=True)


def _note(lines: Iterable[str], *, as_json: bool) -> None:
    for line in lines:
        print(line, file=sys.stderr if as_json else sys.stdout, flush=True)


def _not_run(number: int, rule: str) -> Iterator[str]:
    if number:
        yield f"{number} rules were not run: their sentences do not contain '{rule}'."


def _not_waited(whole: ActivityBench, used: ActivityBench) -> Iterator[str]:
    seconds = whole.seconds_after_death
    if used.seconds_after_death < seconds:
        yield (
            f"Late writes were not waited for: {whole.activity.name} states that they may come {seconds:g} s after a "
            "kill. Run it without --quick before you release it."
        )


def _left_behind(left: list[tuple[str, str]]) -> Iterator[str]:
    if left:
        yield "Left in the system: --foreign made it without our proof, so nothing of ours may remove it. Remove it:"
        yield from (f"  {kind} {name}" for kind, name in left)
