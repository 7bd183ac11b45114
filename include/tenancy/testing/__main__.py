"""`python -m tenancy.testing list | test NAME`. `tenantctl activity` runs this.

Exit codes: 0 every rule is kept, 1 one is broken, 2 wrong usage.
"""

import argparse
import json
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from tenancy.saga.errors import ProductFileError, Refused

_OK, _BROKEN, _USAGE = 0, 1, 2
_INTERRUPTED = 130
"""As shells report Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = _parser().parse_args(arguments)
    try:
        from tenancy import testing  # noqa: F401 - is everything installed?
    except ModuleNotFoundError as error:
        print(f"The module {error.name} is missing: pip install 'tenancy[testing]'.", file=sys.stderr)
        return _USAGE
    try:
        return _list(as_json=given.json) if given.command == "list" else _test(given)
    except (Refused, ProductFileError) as refusal:
        print(refusal, file=sys.stderr)
        return _USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tenantctl activity", description="List or test installed activities.")
    parser.add_argument("command", choices=("list", "test"))
    parser.add_argument("name", nargs="?", help="the activity's name")
    parser.add_argument("--connections", type=Path, help="TOML file: one table for each kind of system")
    parser.add_argument("--probe", help="module:function(kind, name) -> bool: does the object exist?")
    parser.add_argument("--foreign", help="module:function(kind, name): makes an object without the proof")
    parser.add_argument("--product", type=Path, help="folder whose product.toml has it as a container activity")
    parser.add_argument("--program", help='with --product: what stands for the image, such as "python mailbox.py"')
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _list(*, as_json: bool) -> int:
    from tenancy.activities.registry import installed, unusable

    rows = [_row(each.name, str(each.kind), each.resources) for each in installed()]
    rows += [_row(each.name, problem=each.problem) for each in unusable()]
    if as_json:
        print(json.dumps(rows))
        return _OK
    for row in rows:
        print(f"{row['name']:<28} {row['problem'] or _makes(row)}")
    return _OK


def _row(name: str, kind: str = "", makes: Sequence[str] = (), problem: str = "") -> dict[str, Any]:
    return {"name": name, "kind": kind, "makes": list(makes), "problem": problem}


def _makes(row: dict[str, Any]) -> str:
    return f"{row['kind']:<13} " + (f"makes {', '.join(row['makes'])}" if row["makes"] else "makes nothing")


def _test(given: argparse.Namespace) -> int:
    from tenancy.testing.bench import ActivityBench
    from tenancy.testing.connections_file import read_connections
    from tenancy.testing.local_cluster import LocalCluster, activity_in

    if not given.name:
        raise Refused("Name the activity: tenantctl activity test NAME.")
    if bool(given.product) != bool(given.program):
        raise Refused("A container activity needs both --product and --program.")
    activity = activity_in(given.product, given.name) if given.product else _installed(given.name)
    connections = read_connections(given.connections) if given.connections else {}
    cluster = LocalCluster(_words(given.program)) if given.program else None
    probe, foreign = _function(given.probe), _function(given.foreign)
    return _report(_outcomes(ActivityBench(activity, connections, probe, foreign, cluster=cluster)), as_json=given.json)


def _words(program: str) -> list[str]:
    """The command's words. Refused when there are none, or when a quotation does not end."""
    try:
        words = shlex.split(program)
    except ValueError as error:
        raise Refused(f"--program is no command: {error}.") from error
    if not words:
        raise Refused("--program is empty. Write a command, such as --program 'python mailbox.py'.")
    return words


def _installed(name: str) -> Any:
    from tenancy.activities.registry import BUILT_IN, find_activity, why_not_installed

    activity = find_activity(name)
    if activity is None:
        raise Refused(f"The activity {name} {why_not_installed(name)}: tenantctl activity list.")
    if activity in BUILT_IN:
        raise Refused(f"{name} is built in: Tenancy's own tests hold it to the contract.")
    return activity


def _outcomes(bench: Any) -> Iterator[dict[str, Any]]:
    from tenancy.testing.checks import CHECKS

    for check in CHECKS:
        if check.needs_foreign and bench.make_foreign is None:
            yield {"rule": check.sentence, "outcome": "skipped", "problem": "give --foreign", "seconds": 0.0}
            continue
        began = time.monotonic()
        problem = _problem(check.run, bench)
        outcome, seconds = "broken" if problem else "kept", round(time.monotonic() - began, 2)
        yield {"rule": check.sentence, "outcome": outcome, "problem": problem, "seconds": seconds}


def _problem(run: Callable[[Any], None], bench: Any) -> str:
    try:
        run(bench)
    except Exception as error:  # noqa: BLE001 - the activity's own: any
        return str(error) if isinstance(error, AssertionError) else f"{type(error).__name__}: {error}"
    return ""


def _report(outcomes: Iterator[dict[str, Any]], *, as_json: bool) -> int:
    every = []
    for outcome in outcomes:
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


def _function(reference: str | None) -> Any:
    """The function that the command line names. Refused when there is none."""
    if reference is None:
        return None
    try:
        return resolve_name(reference)
    except (ImportError, AttributeError, ValueError) as error:
        raise Refused(f"{reference} is no function: {error}. Write module:function.") from error


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(_INTERRUPTED)
