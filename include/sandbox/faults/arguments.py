"""The arguments of `python -m sandbox fault`. Apart from `commands.py` and its slow imports."""

import argparse
from pathlib import Path

from sandbox.faults import catalogue


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands list, set and clear to `fault`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    shared = [_shared()]
    actions.add_parser("list", help="what is set, and whether it is in effect", parents=shared)
    _add_set(actions.add_parser("set", help="bring a fault about", parents=shared))
    clear = actions.add_parser("clear", help="undo a fault", parents=shared)
    clear.add_argument("id", nargs="?", metavar="ID", help="as `fault list` shows it")
    clear.add_argument("--all", action="store_true", help="all of them")


def _shared() -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    # Without a default: it would override an option before the subcommand.
    shared.add_argument("--home", type=Path, metavar="DIR", default=argparse.SUPPRESS, help="where the sandbox lies")
    shared.add_argument("--json", action="store_true", help="as JSON, for programs")
    return shared


def _add_set(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(["kinds:", *(f"  {kind.name:<20} {kind.effect}" for kind in catalogue.BY_NAME.values())])
    parser.add_argument("kind", metavar="KIND", choices=tuple(catalogue.BY_NAME), help="see below")
    parser.add_argument("--namespace", help="only for this namespace of the cluster")
    parser.add_argument("--tenant", metavar="SLUG", help="only for this tenant, also before it exists")
    parser.add_argument("--region", help="only for namespaces labelled tenancy.internal/region so")
    parser.add_argument("--on", metavar="OPERATIONS", help="some of get,write,watch (default: all)")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--milliseconds", type=float)
    parser.add_argument("--retry-after", type=int, metavar="SECONDS")
    parser.add_argument("--resource", help="which objects it concerns, such as pods or services")
    parser.add_argument("--verb", help="one of get, list, watch, create, update, patch, delete")
    parser.add_argument("--message", help="the message of the webhook that refuses")
