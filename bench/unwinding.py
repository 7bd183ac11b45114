"""How long unwinding takes, by the ledger's times: from Cancel, or from a failure, until nothing is left.

Both strike while a process is in the middle of changing the tenant's schema, which a lock or a failing revision holds
up. Called by `provisioning.py`.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx
import psycopg

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from sandbox.problems import SandboxError

_API: Final = "/tenancy/api/v1"
_HEADERS: Final = {"X-Tenancy-Request": "1"}
_TIMEOUT_SECONDS: Final = 120.0
_CANCELLED: Final = "tenant.provisioning.cancel.requested"
_FAILED: Final = "tenant.provisioning.failed"
_SECONDS_BETWEEN: Final = """
select extract(epoch from max(at) filter (where kind = 'tenant.provisioning.settled')
                        - min(at) filter (where kind = %(since)s))::float
  from ledger.fact join ledger.tenant on tenant.id = fact.stream where slug = %(slug)s
"""


def request() -> dict[str, str]:
    """A tenant nobody else asks for."""
    slug = f"bench-{uuid.uuid4().hex[:10]}"
    return {
        "slug": slug,
        "name": "Bench",
        "plan": "starter",
        "region": "eu-central",
        "admin_email": f"admin@{slug}.example",
    }


def from_cancel(access: Access, runs: int) -> tuple[float, ...]:
    """Seconds from each Cancel, while a process waits for a lock in the tenant's database."""
    return tuple(_each(access, runs, "schema-locked", _CANCELLED, _cancel_in_the_middle))


def from_failure(access: Access, runs: int) -> tuple[float, ...]:
    """Seconds from the failure that Airflow has no tries left for."""
    return tuple(_each(access, runs, "failing-revision", _FAILED, lambda *_: None))


def _each(
    access: Access, runs: int, fault: str, since: str, then: Callable[[Access, httpx.Client, str], None]
) -> Iterator[float]:
    with access.client("operator") as client:
        for number in range(runs + 1):  # the first one warms up, as everywhere
            request_body = request()
            slug = request_body["slug"]
            with _fault(access, fault, slug):
                client.post(f"{_API}/tenants", json=request_body, headers=_HEADERS).raise_for_status()
                then(access, client, slug)
                took = _until(lambda slug=slug: _seconds(access, slug, since), "be undone")  # type: ignore[misc]
            if number:
                yield took


def _cancel_in_the_middle(access: Access, client: httpx.Client, slug: str) -> None:
    _until(lambda: _waits_for_lock(access, slug), "change its schema")
    client.post(f"{_API}/tenants/{slug}/cancel", json={"reason": "bench"}, headers=_HEADERS).raise_for_status()


def _waits_for_lock(access: Access, slug: str) -> float | None:
    like = slug.replace("-", r"\_") + r"\_%"
    question = "select 1.0::float from pg_stat_activity where datname like %(like)s and wait_event_type = 'Lock'"
    return _one(access.superuser_dsn("storage"), question, {"like": like})


def _seconds(access: Access, slug: str, since: str) -> float | None:
    return _one(access.ledger_dsn, _SECONDS_BETWEEN, {"since": since, "slug": slug})


def _one(dsn: str, question: str, parameters: Mapping[str, str]) -> float | None:
    with psycopg.connect(dsn, autocommit=True) as session:
        row = session.execute(question.encode(), parameters).fetchone()
        return row[0] if row else None


def _until(condition: Callable[[], float | None], what: str) -> float:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while (found := condition()) is None:
        if time.monotonic() > deadline:
            raise SandboxError(f"A tenant did not {what} within {_TIMEOUT_SECONDS:.0f} s.")
        time.sleep(0.1)
    return found


@contextmanager
def _fault(access: Access, kind: str, slug: str) -> Iterator[None]:
    fault_client = FaultClient(access.layout)
    made = fault_client.set(kind, tenant=slug)
    try:
        yield
    finally:
        fault_client.clear(made.id)
