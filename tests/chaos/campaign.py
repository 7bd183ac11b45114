"""A campaign: trials one after the other on a sandbox of its own, each tenant looked at again a minute later.

Beside them stands one Active tenant that nobody touches. The first violation ends it, with all that is known of it in
a folder.
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
from sandbox.layout import PROJECT, Layout
from tenancy.ledger.migrations import LEDGER_VERSION
from tests.chaos import gates, verdict
from tests.chaos.by_operators import named
from tests.chaos.draw import Trial
from tests.chaos.healing import healer
from tests.chaos.places import Places, rows
from tests.chaos.rest import Seen
from tests.chaos.scene import DAG, Missed, until
from tests.chaos.trial import Outcome, judge, play
from tests.sandboxes import AIRFLOW_OPTIONS

VIOLATIONS = PROJECT / "chaos-violations"
AGAIN_SECONDS = 60.0
LOWERED = {
    # Beside the time-outs of task heartbeats, which tests/sandboxes.py lowers from 120 s to 12: those by which a new
    # scheduler and a new triggerer notice what dead ones held (30 s, 300 s and 30 s as Airflow ships them).
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "10",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "15",
    "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "10",
}
CHAOS_AIRFLOW_OPTIONS: AirflowOptions = replace(AIRFLOW_OPTIONS, extra_env={**AIRFLOW_OPTIONS.extra_env, **LOWERED})


@dataclass(frozen=True)
class Again:
    """Tenants to be looked at once more."""

    seed: int
    slugs: list[str]
    seen: Seen
    phases: dict[str, Any]
    at: float


@dataclass
class Campaign:
    """On the sandbox at `layout`."""

    layout: Layout
    airflow_options: AirflowOptions = CHAOS_AIRFLOW_OPTIONS
    places: Places = field(init=False)
    bystander: str = ""
    neighbour: dict[str, Any] = field(default_factory=dict)
    again: list[Again] = field(default_factory=list)
    retiring: list[str] = field(default_factory=list)

    @property
    def access(self) -> Access:
        return Access(self.layout)

    def open(self) -> None:
        """Bring all up, undo what a killed campaign left, make the bystander."""
        self.heal()
        self.places = places_of(self.access)
        calm(self.places)
        self.bystander = f"neighbour-{uuid.uuid4().hex[:6]}"
        request = {"slug": self.bystander, "name": "Neighbour", "plan": "starter", "region": "eu-central"}
        with self.places.api_as("operator") as client:
            client.post("/tenancy/api/v1/tenants", json={**request, "admin_email": "n@n.example"}).raise_for_status()
        until(lambda: (verdict.tenant(self.places, self.bystander) or {}).get("state") == "Active", "the bystander")
        self.neighbour = verdict.identity(self.places, self.bystander)

    def heal(self) -> None:
        """Start what is dead."""
        healer(lambda: lifecycle.up(self.layout, airflow_options=self.airflow_options, usual_ports=False))()

    def play(self, trial: Trial) -> Outcome:
        """One trial, and a second look at those before."""
        self.places = places_of(self.access, self.places.tokens)
        mark = f"c{trial.seed}-{uuid.uuid4().hex[:4]}"
        outcome, scene, seen = play(self.access, self.places, trial, self.heal, mark)
        if not outcome.violations:
            phases = {slug: _phase(self.places, slug) for slug in scene.slugs}
            outcome.violations += self._neighbour_is_untouched() + self.look_again()
            self.again.append(Again(trial.seed, scene.slugs, seen, phases, time.monotonic()))
        if outcome.violations:
            keep(outcome, scene.slugs, self.places, self.layout)
        return outcome

    def _neighbour_is_untouched(self) -> list[str]:
        now = verdict.identity(self.places, self.bystander)
        changed = [name for name in now if now[name] != self.neighbour[name]]
        touched = [f"the neighbour's {name}: was {self.neighbour[name]}, is {now[name]}" for name in changed]
        return touched + verdict.on_tenant(self.places, self.bystander)

    def look_again(self, *, wait: bool = False) -> list[str]:
        """At all that have rested for a minute; they are decommissioned then, and must be gone a trial later."""
        wrong = self._gone()
        for each in list(self.again):
            left = each.at + AGAIN_SECONDS - time.monotonic()
            if left > 0 and not wait:
                continue
            time.sleep(max(0.0, left))
            wrong += [f"seed {each.seed}, a minute later: {said}" for said in self._changed(each)]
            self.again.remove(each)
            self._retire(each.slugs)
        return wrong

    def _changed(self, each: Again) -> list[str]:
        phases = {slug: _phase(self.places, slug) for slug in each.slugs}
        moved = [f"{slug} was {was} and is {phases[slug]}" for slug, was in each.phases.items() if was != phases[slug]]
        return moved or judge(self.places, each.slugs, each.seen)

    def _retire(self, slugs: list[str]) -> None:
        """Regions have room for so many tenants only."""
        for slug in slugs:
            if verdict.tenant(self.places, slug):
                with self.places.api_as("operator") as client:
                    body = {"reason": "its trial is over", **named(client, slug)}
                    client.post(f"/tenancy/api/v1/tenants/{slug}/decommission", json=body).raise_for_status()
                self.retiring.append(slug)

    def _gone(self) -> list[str]:
        wrong = []
        for slug in self.retiring:
            with suppress(Missed):  # then the verdict says that it is in between
                until(lambda slug=slug: _phase(self.places, slug) == ("Decommissioned", None), f"{slug} to be gone")
            wrong += verdict.on_tenant(self.places, slug)
        self.retiring = []
        return wrong


def _phase(places: Places, slug: str) -> tuple[str, str | None] | None:
    row = verdict.tenant(places, slug)
    return (row["state"], row["substate"]) if row else None


def places_of(access: Access, tokens: dict[str, str] | None = None) -> Places:
    """Plain addresses of a running sandbox, and tokens that outlive an attack (a login costs a second)."""
    return Places(
        ledger=access.superuser_dsn("platform", "ledger"),
        airflow=access.superuser_dsn("platform", "airflow"),
        storage=access.superuser_dsn("storage"),
        kubeconfig=str(access.layout.kubeconfig),
        api=access.api_url,
        ingress=f"http://127.0.0.1:{access.ports['ingress']}",
        domains={"eu-central": "eu.tenants.localhost", "us-east": "us.tenants.localhost"},
        tokens=tokens or {user: access.token(user) for user in ("operator", "engineer")},
    )


def calm(places: Places) -> None:
    """No gate is shut, no role is shut out, nothing is paused."""
    gates.install(places)
    rows(places.ledger, "alter role ledger connection limit -1")
    rows(places.storage, "alter role storage_admin connection limit -1")
    rows(places.storage, "alter role storage_admin reset default_transaction_read_only")
    rows(places.ledger, "update ledger.alembic_version set version_num = %s", LEDGER_VERSION)
    rows(places.airflow, "drop function if exists public.refuse_delete() cascade")
    with places.api_as("operator") as client:
        client.patch(DAG, json={"is_paused": False}).raise_for_status()


def keep(outcome: Outcome, slugs: list[str], places: Places, layout: Layout) -> Path:
    """Everything about a violation: the trial, its facts, Airflow's runs, all logs."""
    folder = VIOLATIONS / str(outcome.trial.seed)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _write(folder / "trial.json", outcome.line())
    _write(folder / "facts.json", verdict.facts(places, slugs))
    statement = (
        "select run_id, task_id, state, try_number, pid, start_date, end_date from task_instance "
        "where run_id like any(%s)"
    )
    marks = [f"%{slug}%" for slug in slugs] + [f"%{row['id']}%" for row in _rows_of(places, slugs)]
    _write(folder / "task_instances.json", rows(places.airflow, statement, marks))
    for log in layout.logs.glob("*.log"):
        (folder / log.name).write_text("\n".join(log.read_text(errors="replace").splitlines()[-3000:]))
    for task in (layout.logs / "tasks").glob("*/*"):
        if any(mark.strip("%") in task.name for mark in marks):
            shutil.copytree(task, folder / "tasks" / task.name, dirs_exist_ok=True)
    return folder


def _rows_of(places: Places, slugs: Iterable[str]) -> Iterator[dict[str, Any]]:
    return iter(rows(places.ledger, "select * from ledger.tenant where slug = any(%s)", list(slugs)))


def _write(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1, default=str), encoding="utf-8")
