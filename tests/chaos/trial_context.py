"""One trial's tenants, and what its injection points and attacks need to reach them."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psutil

from sandbox.access import Access
from tests.chaos.addresses import AttackAddresses, rows
from tests.chaos.gates import retry_until_done
from tests.chaos.trial_generator import Trial
from tests.chaos.trial_products import PRODUCTS, TrialProduct

_REPAIR_SECONDS = 300.0
"""At most for a repair, once its attack has lasted as long as it should."""
PLANS, REGIONS = ("starter", "business"), ("eu-central", "us-east")


class InjectionMissed(Exception):  # noqa: N818 - it is no error: the trial does not count
    """The injection point was not reached, or the attack could not be made."""


def until(condition: Callable[[], object], what: str, *, seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise InjectionMissed(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.05)


@dataclass
class TrialContext:
    """`slug` is the tenant that is attacked; `others` run beside it."""

    access: Access
    addresses: AttackAddresses
    trial: Trial
    slug: str
    others: list[str]
    heal: Callable[[], None]
    rng: Random
    run_id: str = ""
    restored: dict[str, int] = field(default_factory=dict)
    """Stream -> the newest fact that it had in the backup from which the ledger was restored."""
    active_before: set[str] = field(default_factory=set)
    """The slugs of those that were Active when the ledger was restored."""
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(8))
    _background: list["Future[None]"] = field(default_factory=list)

    @property
    def slugs(self) -> list[str]:
        return [self.slug, *self.others]

    @property
    def product(self) -> TrialProduct:
        """That of all its tenants."""
        return PRODUCTS[self.trial.product]

    @property
    def name_pattern(self) -> str:
        """An SQL pattern for its objects' names."""
        return f"%{self.slug.replace('-', '_')}%"

    def request(self, slug: str) -> dict[str, str]:
        plan, region = self.rng.choice(PLANS), self.rng.choice(REGIONS)
        return {
            "slug": slug,
            "name": slug.title(),
            "plan": plan,
            "region": region,
            "admin_email": "admin@chaos.example",
        }

    def create(self, slug: str) -> str:
        """Create it by the JSON API. Returns the id of its run."""
        with self.addresses.api_as("operator") as client:
            asked = {**self.request(slug), "product": self.product.name}
            answer = client.post("/tenancy/api/v1/tenants", json=asked)
        if answer.status_code != 201:
            raise InjectionMissed(f"create {slug}: {answer.status_code} {answer.text[:200]}")
        return str(answer.json()["tenant"]["run_id"])

    def start(self) -> None:
        self.run_id = self.create(self.slug)

    def trigger(self) -> None:
        """Trigger the DAG in Airflow: the tenant is known after its first task."""
        with self.addresses.api_as("operator") as client:
            answer = client.post(
                f"{self.product.dag}/dagRuns", json={"logical_date": None, "conf": self.request(self.slug)}
            )
        answer.raise_for_status()
        self.run_id = str(answer.json()["dag_run_id"])

    def row(self) -> dict[str, Any]:
        found = rows(self.addresses.ledger, "select * from ledger.tenant where slug = %s", self.slug)
        return found[0] if found else {}

    def tasks(self) -> list[dict[str, Any]]:
        """Airflow's task instances of its runs, also of the compensation runs."""
        name_pattern = f"compensate\\_\\_{self.row().get('id', '-')}%"
        statement = (
            "select task_id, task.state, pid, task.hostname as host, job.hostname as by from task_instance as task "
            "left join job on job.id = queued_by_job_id where run_id = %s or run_id like %s"
        )
        return rows(self.addresses.airflow, statement, self.run_id, name_pattern)

    def task_process(self) -> psutil.Process:
        """The process of this tenant's running task, by the pid that Airflow recorded."""
        running = [task["pid"] for task in self.tasks() if task["state"] == "running" and task["pid"]]
        try:
            return psutil.Process(running[0])
        except (IndexError, psutil.NoSuchProcess) as error:
            raise InjectionMissed("no task of the tenant runs") from error

    def run_later(self, seconds: float, action: Callable[[], object]) -> None:
        """Repair something after so many seconds, as soon as its server takes part."""

        def wait_and_do() -> None:
            time.sleep(seconds)
            retry_until_done(action)

        self.run_in_background(wait_and_do)

    def run_in_background(self, action: Callable[[], None]) -> None:
        self._background.append(self._pool.submit(action))

    def note_restore(self, newest: dict[str, int], active: set[str]) -> None:
        """The ledger is about to be restored."""
        self.restored, self.active_before = newest, active

    def wait_for_repairs(self) -> None:
        """Wait until all repairs and all background actions of operators are done."""
        longest = max(attack.lasts for attack in self.trial.attacks)
        for each in self._background:
            each.result(timeout=longest + _REPAIR_SECONDS)
        self._pool.shutdown()
