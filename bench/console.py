"""How long the console's pages take on a large ledger: 100,000 tenants and 5,000,000 facts, unless told otherwise.

`make bench-console` runs it. It requests the pages without Airflow, one after the other, and measures the time from the
request to the whole response. Most tenants are copies of one (`ledger.py`), and their pages say so.
"""

import argparse
import asyncio
import hashlib
import os
import statistics
import time
from dataclasses import dataclass
from typing import Any, cast

import httpx

from bench.ledger import ledger_of
from tenancy.bootstrap import platform, products
from tenancy.console.callers import Caller, Right
from tenancy.console.metrics_view import exposition
from tenancy.console.pages.app import create_pages
from tenancy.console.pages.read_timeout import READ_TIMEOUT_SECONDS
from tenancy.console.services import Services
from tenancy.engine.tenancy import Tenancy
from tenancy.ledger.ledger import Ledger, utc_now
from tenancy.ledger.measures import load_measures
from tenancy.saga.credentials import Keyring

_FEW = 1_000
_MOST_SECONDS, _MOST_RATIO = 0.050, 1.5
"""The targets. The ratio applies to list and tenant page only: a search among few tenants finds fewer rows."""
_OF_THE_SAME_SIZE = ("list", "list, polled", "tenant", "tenant, polled")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--tenants", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=200)
    asked = parser.parse_args()
    few, many = (_measure(tenants, asked.requests) for tenants in (_FEW, asked.tenants))
    print(f"p95 with {asked.tenants:,} tenants, and how many times that with {_FEW:,}:")
    verdicts = [_verdict(name, _p95(few[name]), _p95(many[name])) for name in _PAGES]
    load = " ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"{utc_now():%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {load}")
    targets = (
        f"p95 at most {_MOST_SECONDS * 1000:.0f} ms; list and tenant at most {_MOST_RATIO:g} times that of {_FEW:,}"
    )
    print(f"{'met' if all(verdicts) else 'MISSED'} ({sum(verdicts)} of {len(verdicts)} pages): {targets}")


def _verdict(name: str, few: float, many: float) -> bool:
    ratio = many / few
    met = many <= _MOST_SECONDS and (ratio <= _MOST_RATIO or name not in _OF_THE_SAME_SIZE)
    print(f"  {name:<28} {many * 1000:5.1f} ms, {ratio:4.2f} times   {'met' if met else 'MISSED'}")
    return met


def _measure(tenants: int, requests: int) -> "dict[str, list[Timing]]":
    with ledger_of(tenants) as ledger:
        print(f"  {'metrics, measured anew':<28} {_format_times(_measuring(ledger, 20))}")
        return asyncio.run(_time_requests(_pages(ledger), tenants, requests))


def _pages(ledger: Ledger) -> Any:
    class HealthyEngine:
        """An engine that is healthy and answers at once."""

        def unhealthy_components(self) -> tuple[str, ...]:
            return ()

        def is_paused(self, _dag: str) -> bool:
            return False

        def queued(self, _dag: str) -> tuple[str, ...]:
            return ()

    async def authenticate(_request: Any) -> Caller:
        return Caller("operator", frozenset(Right))

    keyring, nowhere = Keyring("k", {"k": b"k" * 32}), cast("Any", None)
    tenancy = Tenancy(
        ledger, platform(), keyring, nowhere, runs=lambda: cast("Any", HealthyEngine()), products=products()
    )
    return create_pages(Services(lambda: tenancy, utc_now), authenticate)


@dataclass(frozen=True)
class Timing:
    """One request: wall clock time, and processor time of this process, without PostgreSQL's."""

    seconds: float
    cpu_seconds: float


async def _time_requests(app: Any, tenants: int, requests: int) -> dict[str, list[Timing]]:
    transport, times = httpx.ASGITransport(app=app), dict[str, list[Timing]]()
    async with httpx.AsyncClient(transport=transport, base_url="http://bench", timeout=60, trust_env=False) as client:
        for name, path in _PAGES.items():
            times[name] = []
            for number in range(requests):
                began, cpu = time.perf_counter(), time.process_time()
                n = 1 + number * 7919 % tenants
                answer = await client.get(path.format(n=n, id=hashlib.md5(str(n).encode()).hexdigest()[:8]))
                asked = Timing(time.perf_counter() - began, time.process_time() - cpu)
                gave_up = answer.status_code == 503 and asked.seconds >= READ_TIMEOUT_SECONDS  # it counts with its time
                assert answer.status_code == 200 or gave_up, answer.text
                times[name].append(asked)
            print(f"  {name:<28} {_format_times(times[name])}")
    return times


def _measuring(ledger: Ledger, repeats: int) -> list[Timing]:
    """Without the cache of 5 s."""
    times = []
    for _ in range(repeats):
        began, worked = time.perf_counter(), time.process_time()
        with ledger.open("bench") as session:
            exposition(load_measures(session))
        times.append(Timing(time.perf_counter() - began, time.process_time() - worked))
    return times


_PAGES = {
    "list": "/",
    "list, polled": "/?part=live",
    "list, needs a person": "/?attention=true",
    "list, by slug": "/?q=tenant-{n}",
    "list, by name": "/?q=Tenant%20{n}",
    "list, by id": "/?q={id}",
    "list, by what all have": "/?q=tenant",
    "list, by what none has": "/?q=nobody",
    "list, by state": "/?state=Provisioning",
    "tenant": "/tenants/tenant-{n}",
    "tenant, polled": "/tenants/tenant-{n}?part=live",
}


def _format_times(times: list[Timing]) -> str:
    median = statistics.median(each.seconds for each in times) * 1000
    most = max(each.seconds for each in times) * 1000
    cpu = statistics.median(each.cpu_seconds for each in times) * 1000
    return (
        f"median {median:5.1f} ms, p95 {_p95(times) * 1000:5.1f} ms, most {most:5.1f} ms (own processor time {cpu:.1f})"
    )


def _p95(times: list[Timing]) -> float:
    return float(statistics.quantiles((each.seconds for each in times), n=20)[-1])


if __name__ == "__main__":
    main()
