"""`python -m tests.chaos.concurrent_tenants`: many tenants at once on Celery.

In the middle a worker and then Redis are killed. The settings are those that ship. Redis and the worker are started
again a while later, as a service manager would. The verdict is the campaign's: by psql, REST and Kubernetes' own
client, without code of the project.
"""

import argparse
import json
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from sandbox import lifecycle
from sandbox.access import Access
from sandbox.airflow_env import AirflowOptions
from sandbox.components import WORKERS
from sandbox.layout import PROJECT, Layout
from tests.acceptance import celery_parts, runs
from tests.chaos.addresses import AttackAddresses, rows
from tests.chaos.campaign import addresses_of
from tests.chaos.convergence import ObservedFacts
from tests.chaos.trial_generator import ACTIVITIES
from tests.chaos.trial_runner import judge

AIRFLOW_OPTIONS = AirflowOptions(executor="celery")
LEFT_DEAD_SECONDS = 20.0
_PATIENCE = 3600.0
_PHASES = "select state, substate from ledger.tenant where slug = any(%s)"
_DONE = (
    "select count(*) as number from ledger.fact join ledger.tenant on stream = id "
    "where slug = any(%s) and fact.kind = 'tenant.provisioning.step.completed'"
)
_TRANSIENT_PHASES = {
    "Provisioning",
    "Cancelling",
    "Failed unwinding",
    "Failed retained",
    "Failed stuck",
    "Decommissioning",
}
_TRIES = "select try_number - 1 as tries from task_instance join dag_run using (run_id) where conf ->> 'slug' = any(%s)"


def main() -> int:
    options = _options()
    layout = Layout.find(options.home)
    lifecycle.down(layout, purge=True)
    try:
        lifecycle.up(layout, airflow_options=AIRFLOW_OPTIONS, usual_ports=False)
        return _play(Access(layout), options.tenants)
    finally:
        lifecycle.down(layout, purge=True)


def _play(access: Access, number: int) -> int:
    began = time.monotonic()

    def say(what: str) -> None:
        print(f"{datetime.now(UTC):%H:%M:%S} +{time.monotonic() - began:4.0f} s: {what}", flush=True)

    addresses, slugs = addresses_of(access), [f"many-{uuid.uuid4().hex[:8]}" for _ in range(number)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda slug: _ask_for(addresses, slug), slugs))
    say(f"{number} tenants asked for")
    return _attack(access, addresses, slugs, say)


def _attack(access: Access, addresses: AttackAddresses, slugs: list[str], say: Callable[[str], None]) -> int:
    began = time.monotonic()
    _kill_in_the_middle(access, addresses, slugs, say)
    runs.wait_until(
        lambda: not _TRANSIENT_PHASES & _ends(addresses, slugs).keys(), "all to rest", seconds=_PATIENCE, every=2
    )
    rested = time.monotonic() - began
    ends = _ends(addresses, slugs)
    say(f"all rest: {dict(ends)}")
    wrong = judge(addresses, slugs, ObservedFacts())
    tries = sum(row["tries"] for row in rows(addresses.airflow, _TRIES, slugs))
    result = {"tenants": len(slugs), "ends": ends, "seconds": round(rested), "tries_more": tries, "violations": wrong}
    say(json.dumps({**result, "load": round(os.getloadavg()[1], 1)}))
    return int(bool(wrong))


def _ask_for(addresses: AttackAddresses, slug: str) -> None:
    with addresses.api_as("operator", timeout=120) as client:
        body = {"logical_date": None, "conf": runs.request(slug)}
        client.post(f"{runs.DAG}/dagRuns", json=body).raise_for_status()


def _kill_in_the_middle(
    access: Access, addresses: AttackAddresses, slugs: list[str], say: Callable[[str], None]
) -> None:
    """Kill the worker when half of all activities are done, then Redis; restart both a while later."""
    for share, part in ((0.5, WORKERS[0]), (0.6, "redis")):
        target = int(len(slugs) * len(ACTIVITIES) * share)
        runs.wait_until(
            lambda n=target: _done(addresses, slugs) >= n, f"{target} activities", seconds=_PATIENCE, every=1
        )
        celery_parts.kill(access, part)
        say(
            f"{part} killed when {_done(addresses, slugs)} activities were done; "
            f"tenants: {dict(_ends(addresses, slugs))}"
        )
    time.sleep(LEFT_DEAD_SECONDS)
    lifecycle.up(access.layout, airflow_options=AIRFLOW_OPTIONS, usual_ports=False)
    say("both are up again")


def _done(addresses: AttackAddresses, slugs: list[str]) -> int:
    return int(rows(addresses.ledger, _DONE, slugs)[0]["number"])


def _ends(addresses: AttackAddresses, slugs: list[str]) -> Counter[str]:
    """How many tenants are in each phase. One that the ledger does not know yet counts as Provisioning."""
    found = [" ".join(filter(None, row.values())) for row in rows(addresses.ledger, _PHASES, slugs)]
    unknown = len(slugs) - len(found)
    return Counter(found + ["Provisioning"] * unknown)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.concurrent_tenants", description=__doc__)
    parser.add_argument("--tenants", type=int, default=100)
    parser.add_argument("--home", type=Path, default=PROJECT / ".sandbox-at-once", metavar="DIR")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
