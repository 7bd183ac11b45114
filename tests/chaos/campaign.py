"""A campaign: trials one after the other on a sandbox of its own, each tenant checked again a minute later.

One more tenant, the control, is Active all the time and nobody touches it. The first violation ends the campaign and
saves its evidence in a folder.
"""

import json
import shutil
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sandbox import lifecycle
from sandbox.access import Access
from sandbox.airflow_env import AirflowOptions
from sandbox.faults.client import FaultClient
from sandbox.layout import PROJECT, Layout
from tenancy.ledger.migrations import LEDGER_VERSION
from tests.chaos import gates, verdict
from tests.chaos.addresses import AttackAddresses, rows
from tests.chaos.convergence import ObservedFacts
from tests.chaos.healing import healer
from tests.chaos.operator_attacks import confirmation
from tests.chaos.product_systems import ProductSystems
from tests.chaos.trial_context import InjectionMissed, until
from tests.chaos.trial_generator import Trial
from tests.chaos.trial_products import PRODUCTS, SAMPLE, TrialProduct
from tests.chaos.trial_runner import Outcome, judge, play
from tests.sandboxes import AIRFLOW_OPTIONS

VIOLATIONS = PROJECT / "chaos-violations"
RECHECK_SECONDS = 60.0
LOWERED = {
    # Beside the time-outs of task heartbeats, which tests/sandboxes.py lowers from 120 s to 12: those by which a new
    # scheduler and a new triggerer notice what dead ones held (30 s, 300 s and 30 s as Airflow ships them).
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
}
CHAOS_AIRFLOW_OPTIONS: AirflowOptions = replace(AIRFLOW_OPTIONS, extra_env={**AIRFLOW_OPTIONS.extra_env, **LOWERED})


@dataclass(frozen=True)
class Recheck:
    """Tenants to be checked once more."""

    seed: int
    slugs: list[str]
    observed: ObservedFacts
    phases: dict[str, Any]
    at: float


@dataclass
class Campaign:
    """On the sandbox at `layout`."""

    layout: Layout
    airflow_options: AirflowOptions = CHAOS_AIRFLOW_OPTIONS
    systems: ProductSystems | None = None
    """Of the deck `products`: what its products need besides the sandbox."""
    addresses: AttackAddresses = field(init=False)
    control_tenant: str = ""
    control_identity: dict[str, Any] = field(default_factory=dict)
    rechecks: list[Recheck] = field(default_factory=list)
    retiring: list[str] = field(default_factory=list)

    @property
    def access(self) -> Access:
        return Access(self.layout)

    def open(self) -> None:
        """Bring all up, undo what a killed campaign left, provision the control tenant."""
        self.heal()
        self.addresses = self._addresses_now()
        if self.systems:
            self.systems.connect(self.addresses)
        FaultClient(self.layout).clear()
        reset_sandbox(self.addresses, PRODUCTS.values() if self.systems else [SAMPLE])
        self.control_tenant = f"control-{uuid.uuid4().hex[:6]}"
        request = {"slug": self.control_tenant, "name": "Control", "plan": "starter", "region": "eu-central"}
        with self.addresses.api_as("operator") as client:
            client.post("/tenancy/api/v1/tenants", json={**request, "admin_email": "n@n.example"}).raise_for_status()
        until(
            lambda: (verdict.tenant(self.addresses, self.control_tenant) or {}).get("state") == "Active",
            "the control tenant",
        )
        self.control_identity = verdict.identity(self.addresses, self.control_tenant)

    def _addresses_now(self, tokens: dict[str, str] | None = None) -> AttackAddresses:
        addresses = addresses_of(self.access, tokens)
        return self.systems.beside(addresses) if self.systems else addresses

    def heal(self) -> None:
        """Start the parts that are dead."""
        healer(lambda: lifecycle.up(self.layout, airflow_options=self.airflow_options, usual_ports=False))()

    def play(self, trial: Trial) -> Outcome:
        """One trial, and a second check of those before."""
        self.addresses = self._addresses_now(self.addresses.tokens)
        name_prefix = f"c{trial.seed}-{uuid.uuid4().hex[:4]}"
        outcome, context, observed = play(self.access, self.addresses, trial, self.heal, name_prefix)
        if not outcome.violations:
            phases = {slug: _phase(self.addresses, slug) for slug in context.slugs}
            outcome.violations += self._check_control_tenant() + self.recheck()
            self.rechecks.append(Recheck(trial.seed, context.slugs, observed, phases, time.monotonic()))
        if outcome.violations:
            save_evidence(outcome, context.slugs, self.addresses, self.layout)
        return outcome

    def _check_control_tenant(self) -> list[str]:
        now = verdict.identity(self.addresses, self.control_tenant)
        changed = [name for name in now if now[name] != self.control_identity[name]]
        touched = [
            f"the control tenant's {name}: was {self.control_identity[name]}, is {now[name]}" for name in changed
        ]
        return touched + verdict.check_tenant(self.addresses, self.control_tenant)

    def recheck(self, *, wait: bool = False) -> list[str]:
        """Check again all that have rested for a minute. Then decommission them: a trial later they must be gone."""
        violations = self._gone()
        for each in list(self.rechecks):
            left = each.at + RECHECK_SECONDS - time.monotonic()
            if left > 0 and not wait:
                continue
            time.sleep(max(0.0, left))
            violations += [f"seed {each.seed}, a minute later: {violation}" for violation in self._changed(each)]
            self.rechecks.remove(each)
            self._retire(each.slugs)
        return violations

    def _changed(self, each: Recheck) -> list[str]:
        phases = {slug: _phase(self.addresses, slug) for slug in each.slugs}
        moved = [f"{slug} was {was} and is {phases[slug]}" for slug, was in each.phases.items() if was != phases[slug]]
        return moved or judge(self.addresses, each.slugs, each.observed)

    def _retire(self, slugs: list[str]) -> None:
        """Decommission them, because a region takes a limited number of tenants."""
        for slug in slugs:
            if verdict.tenant(self.addresses, slug):
                with self.addresses.api_as("operator") as client:
                    body = {"reason": "its trial is over", **confirmation(client, slug)}
                    client.post(f"/tenancy/api/v1/tenants/{slug}/decommission", json=body).raise_for_status()
                self.retiring.append(slug)

    def _gone(self) -> list[str]:
        violations = []
        for slug in self.retiring:
            with suppress(InjectionMissed):  # then the verdict says that it is in between
                until(lambda slug=slug: _phase(self.addresses, slug) == ("Decommissioned", None), f"{slug} to be gone")
            violations += verdict.check_tenant(self.addresses, slug)
        self.retiring = []
        return violations


def _phase(addresses: AttackAddresses, slug: str) -> tuple[str, str | None] | None:
    row = verdict.tenant(addresses, slug)
    return (row["state"], row["substate"]) if row else None


def addresses_of(access: Access, tokens: dict[str, str] | None = None) -> AttackAddresses:
    """The addresses of a running sandbox, and tokens taken in advance, because a login takes a second."""
    return AttackAddresses(
        ledger=access.superuser_dsn("platform", "ledger"),
        airflow=access.superuser_dsn("platform", "airflow"),
        storage=access.superuser_dsn("storage"),
        kubeconfig=str(access.layout.kubeconfig),
        api=access.api_url,
        ingress=f"http://127.0.0.1:{access.ports['ingress']}",
        domains={"eu-central": "eu.tenants.localhost", "us-east": "us.tenants.localhost"},
        tokens=tokens or {user: access.token(user) for user in ("operator", "engineer")},
    )


def reset_sandbox(addresses: AttackAddresses, products: Iterable[TrialProduct] = (SAMPLE,)) -> None:
    """Open all gates, lift all limits on roles, unpause the products' DAGs."""
    gates.install(addresses)
    rows(addresses.ledger, "alter role ledger connection limit -1")
    rows(addresses.storage, "alter role storage_admin connection limit -1")
    rows(addresses.storage, "alter role storage_admin reset default_transaction_read_only")
    rows(addresses.ledger, "update ledger.alembic_version set version_num = %s", LEDGER_VERSION)
    rows(addresses.airflow, "drop function if exists public.refuse_delete() cascade")
    with addresses.api_as("operator") as client:
        for product in products:
            until(lambda dag=product.dag: client.patch(dag, json={"is_paused": False}).is_success, product.dag)


def save_evidence(outcome: Outcome, slugs: list[str], addresses: AttackAddresses, layout: Layout) -> Path:
    """Save everything about a violation: the trial, its facts, Airflow's runs, all logs."""
    folder = VIOLATIONS / str(outcome.trial.seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _write(folder / "trial.json", outcome.line())
    _write(folder / "facts.json", verdict.facts(addresses, slugs))
    statement = (
        "select run_id, task_id, state, try_number, pid, start_date, end_date from task_instance "
        "where run_id like any(%s)"
    )
    marks = [f"%{slug}%" for slug in slugs] + [f"%{row['id']}%" for row in _rows_of(addresses, slugs)]
    _write(folder / "task_instances.json", rows(addresses.airflow, statement, marks))
    for log in layout.logs.glob("*.log"):
        (folder / log.name).write_text("\n".join(log.read_text(errors="replace").splitlines()[-3000:]))
    for task in (layout.logs / "tasks").glob("*/*"):
        if any(name_prefix.strip("%") in task.name for name_prefix in marks):
            shutil.copytree(task, folder / "tasks" / task.name, dirs_exist_ok=True)
    return folder


def _rows_of(addresses: AttackAddresses, slugs: Iterable[str]) -> Iterator[dict[str, Any]]:
    return iter(rows(addresses.ledger, "select * from ledger.tenant where slug = any(%s)", list(slugs)))


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, default=str), encoding="utf-8")
