"""`python -m tenancy.testing list | test NAME`. `tenantctl activity` runs this.

Exit codes: 0 every rule is kept, 1 one is broken or the system cannot be entered, 2 wrong usage.
"""

import argparse
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

from tenancy.saga.errors import ProductFileError, Refused

_OK, _USAGE = 0, 2
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
    parser.add_argument("--quick", action="store_true", help="wait at most 1 s for late writes after a kill")
    parser.add_argument("--rule", default="", metavar="TEXT", help="only the rules whose sentence contains TEXT")
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
    from tenancy.testing.report import report

    if not given.name:
        raise Refused("Name the activity: tenantctl activity test NAME.")
    if bool(given.product) != bool(given.program):
        raise Refused("A container activity needs both --product and --program.")
    activity = activity_in(given.product, given.name) if given.product else _installed(given.name)
    connections = read_connections(given.connections) if given.connections else {}
    cluster = LocalCluster(_words(given.program)) if given.program else None
    probe, foreign = _function(given.probe), _function(given.foreign)
    bench = ActivityBench(activity, connections, probe, foreign, cluster=cluster, connections_file=given.connections)
    return report(bench, rule=given.rule, quick=given.quick, as_json=given.json)


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
