"""`python -m tenancy.products check DIR | show [DIR] | init DIR`. `tenantctl product` runs this.

Exit codes: 0 done, 1 the product has mistakes, 2 wrong usage.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

_OK, _MISTAKES, _USAGE = 0, 1, 2
_INTERRUPTED = 130
"""As shells report Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = _parser().parse_args(arguments)
    try:
        from tenancy.products import check, starting_point, summary  # noqa: F401 - is everything installed?
    except ModuleNotFoundError as error:
        print(f"The module {error.name} is missing: pip install 'tenancy[products]'.", file=sys.stderr)
        return _USAGE
    command = {"check": _check, "show": _show, "init": _init}[given.command]
    return command(given.folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tenantctl product", description="Check, show or begin a product.")
    parser.add_argument("command", choices=("check", "show", "init"))
    parser.add_argument("folder", nargs="?", type=Path, help="the product's folder, which has a product.toml")
    return parser


def _check(folder: Path | None) -> int:
    from tenancy.products.check import check_product

    found = _chosen(folder)
    problems = check_product(found)
    for problem in problems:
        print(f"{found / problem}")
    if problems:
        print(f"{len(problems)} mistake{'s' if len(problems) > 1 else ''}.", file=sys.stderr)
        return _MISTAKES
    print(f"{found}: no mistakes.")
    return _OK


def _show(folder: Path | None) -> int:
    from tenancy.activities.plan import plan_problems
    from tenancy.adapters.product_file import load_product
    from tenancy.products.summary import summary_of
    from tenancy.saga.errors import ProductFileError

    try:
        for line in summary_of(load_product(_chosen(folder), plan_problems)):
            print(line)
    except ProductFileError as error:
        print(error, file=sys.stderr)
        return _MISTAKES
    return _OK


def _init(folder: Path | None) -> int:
    from tenancy.products.starting_point import write_starting_point
    from tenancy.saga.errors import Refused

    if folder is None:
        print("Name the folder: tenantctl product init DIR.", file=sys.stderr)
        return _USAGE
    try:
        written = write_starting_point(folder)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return _USAGE
    print(f"Written. Read {written} first, then: tenantctl product check {folder}")
    return _OK


def _chosen(folder: Path | None) -> Path:
    """The named folder; else that of the default product, in TENANCY_PRODUCTS or in `products`."""
    from tenancy.activities.plan import plan_problems
    from tenancy.adapters.product_folder import ProductFolder

    if folder is not None:
        return folder
    home = Path(os.environ.get("TENANCY_PRODUCTS") or "products")
    products = ProductFolder(home, os.environ.get("TENANCY_PRODUCT") or "", plan_problems)
    return products.folder_of(products.default_name)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(_INTERRUPTED)
