"""The moments: each brings a tenant to a phase of an activity and holds it there, from outside, until it is let go.

Each is a context manager that starts the tenant itself, because some have to be prepared before it exists.
"""

import urllib.error
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.chaos import gates
from tests.chaos.draw import ACTIVITIES
from tests.chaos.places import in_database, rows
from tests.chaos.scene import DAG, Missed, Scene, until

STEP, RESOURCE = "tenant.provisioning.step", "tenant.resource"
RESOURCES = {
    "allocate_storage": ("role", "database"),
    "allocate_workflow_handle": ("connection",),
    "apply_tenant_schema": ("schema",),
    "deploy_workloads": ("namespace", "release"),
}


@dataclass(frozen=True)
class Hold:
    """A tenant that is held. `backend` is where it waits in a server: (dsn, pid); `resource` what is being undone."""

    held: Callable[[], object]
    backend: Callable[[], tuple[str, int | None] | None] = lambda: None
    let_go: Callable[[], None] = lambda: None
    resource: str = ""


Moment = Iterator[Hold]


@contextmanager
def moment(scene: Scene) -> Moment:
    """The trial's own moment; Missed when it does not come."""
    phase, activity = scene.trial.phase, scene.trial.activity
    with _BY_PHASE[phase](scene, activity) as hold:
        until(hold.held, f"{scene.slug} to be held {phase} {activity}")
        yield hold


@contextmanager
def _before(scene: Scene, activity: str) -> Moment:
    with gates.shut(scene.places, scene.slug, f"{STEP}.started", activity) as gate:
        scene.start()
        yield _at(scene, gate)


@contextmanager
def _after(scene: Scene, activity: str) -> Moment:
    """It begins to record that its effect is there."""
    made = RESOURCES.get(activity)
    fact = (f"{RESOURCE}.present", made[0]) if made else (f"{STEP}.completed", activity)
    with gates.shut(scene.places, scene.slug, *fact) as gate:
        scene.start()
        yield _at(scene, gate)


@contextmanager
def _flip(scene: Scene, activity: str) -> Moment:
    with gates.shut(scene.places, scene.slug, "tenant.provisioning.completed") as gate:
        scene.start()
        yield _at(scene, gate)


@contextmanager
def _deferred(scene: Scene, activity: str) -> Moment:
    with fault(scene, "slow-start", seconds=600):
        scene.start()
        yield Hold(lambda: _state_of(scene, activity) == "deferred")


@contextmanager
def _between(scene: Scene, activity: str) -> Moment:
    """Its task is over while the DAG is paused, so that Airflow does not begin the next."""
    following = ACTIVITIES[ACTIVITIES.index(activity) + 1]
    with ExitStack() as stack:
        with _after(scene, activity) as hold:
            until(hold.held, f"{scene.slug} to be held after {activity}")
            stack.callback(gates.stubbornly, lambda: _pause(scene, False))
            _pause(scene, True)
        yield Hold(lambda: (_state_of(scene, activity), _state_of(scene, following)) in _BETWEEN)


_BETWEEN = (("success", None), ("success", "scheduled"))


@contextmanager
def _compensation(scene: Scene, activity: str) -> Moment:
    """Cancelled with all made and nothing running long; held before or after its compensation."""
    resource = scene.chance.choice(RESOURCES[activity])
    to_fail = {attack.fault for attack in scene.trial.attacks} & {"compensation fails", "compensation hangs"}
    fact = "releasing" if to_fail else scene.chance.choice(("releasing", "released"))
    with gates.shut(scene.places, scene.slug, f"{RESOURCE}.{fact}", resource) as gate:
        with _before(scene, "wait_for_workloads_ready") as hold:
            until(hold.held, f"{scene.slug} to have all it needs")
            with scene.places.api_as("operator") as client:
                client.post(f"/tenancy/api/v1/tenants/{scene.slug}/cancel", json={"reason": "chaos"}).raise_for_status()
        yield _at(scene, gate, resource)


def _at(scene: Scene, gate: gates.Gate, resource: str = "") -> Hold:
    return Hold(gate.holds, lambda: (scene.places.ledger, gate.holds()), gate.open, resource)


def _in(dsn: str, statement: str, **let_go: Any) -> Hold:
    return Hold(lambda: gates.waiting(dsn, statement), lambda: (dsn, gates.waiting(dsn, statement)), **let_go)


@contextmanager
def _during_validation(scene: Scene, _: str) -> Moment:
    """Its effect is the reservation, which is one transaction."""
    with gates.shut(scene.places, scene.slug, "tenant.provisioning.requested") as gate:
        scene.trigger()
        yield _at(scene, gate)


@contextmanager
def _during_storage(scene: Scene, _: str) -> Moment:
    """In CREATE DATABASE, or in the transaction that makes the role, which is open until its process goes on."""
    what, catalog = scene.chance.choice((("database", "pg_database"), ("role", "pg_authid")))
    with gates.locked(scene.places.storage, f"lock table {catalog} in share mode"):
        scene.start()
        yield _in(scene.places.storage, f"create {what}{scene.like}")


@contextmanager
def _during_handle(scene: Scene, activity: str) -> Moment:
    with ExitStack() as stack:
        with _before(scene, activity) as hold:
            until(hold.held, f"{scene.slug} to reach {activity}")
            stack.enter_context(gates.locked(scene.places.airflow, "lock table connection in share mode"))
        yield _in(scene.places.airflow, f"insert into connection{scene.like}")


_HOLD_TABLES = """
create table if not exists public.chaos_gate ();
grant select on public.chaos_gate to public;
create or replace function public.hold_tables() returns event_trigger language plpgsql as $$
begin
    while not exists (select from public.chaos_gate) loop
        perform pg_sleep(0.02);
    end loop;
end $$;
create event trigger hold_tables on ddl_command_start when tag in ('CREATE TABLE')
    execute function public.hold_tables();
"""


@contextmanager
def _during_schema(scene: Scene, activity: str) -> Moment:
    with _before(scene, activity) as hold:
        until(hold.held, f"{scene.slug} to reach {activity}")
        database = own_database(scene)
        rows(database, _HOLD_TABLES)
    try:
        yield _in(database, "%create table%")
    finally:
        gates.stubbornly(lambda: _open_tables(database))


def own_database(scene: Scene) -> str:
    """The superuser's way into the tenant's own database."""
    own = rows(scene.places.storage, "select datname from pg_database where datname like %s", scene.like)
    if not own:
        raise Missed("the tenant has no database")
    return in_database(scene.places.storage, own[0]["datname"])


def _open_tables(database: str) -> None:
    try:
        rows(database, "insert into public.chaos_gate default values")
    except psycopg.OperationalError as error:
        if "does not exist" not in str(error):  # it was dropped meanwhile
            raise


@contextmanager
def _during_install(scene: Scene, activity: str) -> Moment:
    """The namespace is there; what goes into it is taken by the cluster's API and never answered."""
    with ExitStack() as stack:
        with _before(scene, activity) as hold:
            until(hold.held, f"{scene.slug} to reach {activity}")
            namespace = f"{scene.slug}-{scene.row()['id'].hex[-10:]}"
            made = set_fault(scene, "hang", namespace=namespace, on=["write"])
            stack.callback(clear_fault, scene, made)
        yield Hold(lambda: _state_of(scene, activity) == "running" and _has_namespace(scene))


@contextmanager
def _during_survey(scene: Scene, activity: str) -> Moment:
    """Held in the tenant's own database: what Airflow's keeps is read by all."""
    with ExitStack() as stack:
        with _before(scene, activity) as hold:
            until(hold.held, f"{scene.slug} to reach {activity}")
            database = own_database(scene)
            stack.enter_context(gates.locked(database, "lock table tenant.users in access exclusive mode"))
        yield _in(database, "%from tenant.users%")


_DURING: dict[str, Any] = {
    "validate_request": _during_validation,
    "allocate_storage": _during_storage,
    "allocate_workflow_handle": _during_handle,
    "apply_tenant_schema": _during_schema,
    "deploy_workloads": _during_install,
    "mark_active": _during_survey,
}
_BY_PHASE: dict[str, Any] = {
    "before": _before,
    "during": lambda scene, activity: _DURING[activity](scene, activity),
    "after": _after,
    "compensation": _compensation,
    "flip": _flip,
    "deferred": _deferred,
    "between": _between,
}


def _state_of(scene: Scene, activity: str) -> str | None:
    return next((task["state"] for task in scene.tasks() if task["task_id"] == activity), None)


def _has_namespace(scene: Scene) -> bool:
    found = scene.access.cluster.ask("GET", "/api/v1/namespaces")["items"]
    return any(each["metadata"]["name"].startswith(scene.slug) for each in found)


def _pause(scene: Scene, paused: bool) -> None:
    with scene.places.api_as("operator", timeout=10) as client:
        client.patch(DAG, json={"is_paused": paused}).raise_for_status()


@contextmanager
def fault(scene: Scene, kind: str, **options: Any) -> Iterator[None]:
    """A fault of the embedded cluster for this tenant alone."""
    made = set_fault(scene, kind, **options)
    try:
        yield
    finally:
        clear_fault(scene, made)


def set_fault(scene: Scene, kind: str, *, everywhere: bool = False, **options: Any) -> str:
    """For this tenant alone, by the labels of its namespace or by its name, or for all; the fault's id."""
    chosen = {} if everywhere or "namespace" in options else {"selector": f"tenancy.internal/slug={scene.slug}"}
    asked = {"kind": kind, **chosen, **options}
    try:
        return str(scene.access.cluster.ask("POST", "/emulator/faults", asked)["id"])
    except OSError as error:
        raise Missed(f"the cluster takes no fault: {error}") from error


def clear_fault(scene: Scene, made: str) -> None:
    def clear() -> None:
        with suppress(urllib.error.HTTPError):  # it is gone already
            scene.access.cluster.ask("DELETE", f"/emulator/faults/{made}")

    gates.stubbornly(clear)
