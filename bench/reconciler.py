"""What one pass of the reconciler costs with many tenants in progress, none of which is over its time limit.

`make bench-beat` runs it. It has a ledger of its own and needs no Airflow, because no tenant is a suspect.
"""

import argparse
import os
import resource
import time
from itertools import pairwise
from typing import Any, Final, cast

from bench.ledger import LIVE, ledger_of
from tenancy.bootstrap import platform, products
from tenancy.engine.reconciliation.reconcile import reconcile
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.saga.credentials import Keyring

SIZES: Final = (1_000, 10_000, 100_000)
TARGET_SECONDS: Final = 2.0
TARGET_MEGABYTES: Final = 200.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N")
    results: list[tuple[int, float]] = []
    for tenants in parser.parse_args().sizes:
        with ledger_of(tenants, LIVE) as ledger:
            results.append((tenants, _pass_seconds(ledger)))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"  a pass over {tenants:,} tenants under way: {results[-1][1]:.2f} s; "
                f"this process at most {peak:.0f} MB"
            )
    for (few, before), (many, after) in pairwise(results):
        print(f"  {many:,} / {few:,} tenants: {after / before:.1f} of the time   (linear: {many / few:.0f})")
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    reach = f"10,000 tenants in {TARGET_SECONDS:g} s and {TARGET_MEGABYTES:g} MB"
    print(f"{utc_now():%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load}   (to reach: {reach})")


class _Engine:
    """An engine that is healthy and whose runs all live."""

    def unhealthy_components(self) -> tuple[str, ...]:
        return ()


def _pass_seconds(ledger: Ledger) -> float:
    """The median of three passes."""
    keyring, nowhere = Keyring("k", {"k": b"k" * 32}), cast("Any", None)
    tenancy = Tenancy(ledger, platform(), keyring, nowhere, runs=lambda: cast("Any", _Engine()), products=products())
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        summary = reconcile(tenancy)
        seconds.append(time.perf_counter() - began)
        assert summary == "nothing to do", summary
    return sorted(seconds)[1]


if __name__ == "__main__":
    main()
