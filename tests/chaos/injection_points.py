"""The injection points: each brings a tenant to a phase of an activity and holds it there, from outside.

Each is a context manager that starts the tenant itself, because some must be prepared before it exists.
"""

import urllib.error
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.chaos import gates
from tests.chaos.addresses import in_database, rows
from tests.chaos.trial_context import InjectionMissed, TrialContext, until
from tests.chaos.trial_products import PIVOT

STEP, RESOURCE = "tenant.provisioning.step", "tenant.resource"


@dataclass(frozen=True)
class Hold:
    """A held tenant. `backend` is the server session in which it waits: (dsn, pid); `resource` is being released."""

    is_held: Callable[[], object]
    backend: Callable[[], tuple[str, int | None] | None] = lambda: None
    release: Callable[[], None] = lambda: None
    resource: str = ""


HoldContext = Iterator[Hold]


@contextmanager
def hold_tenant(context: TrialContext) -> HoldContext:
    """Hold the trial's tenant at its injection point. Raises InjectionMissed if it does not get there."""
    phase, activity = context.trial.phase, context.trial.activity
    with _BY_PHASE[phase](context, activity) as hold:
        until(hold.is_held, f"{context.slug} to be held {phase} {activity}")
        yield hold


@contextmanager
def _before(context: TrialContext, activity: str) -> HoldContext:
    with gates.closed_gate(context.addresses, context.slug, f"{STEP}.started", activity) as gate:
        context.start()
        yield _at(context, gate)


@contextmanager
def _after(context: TrialContext, activity: str) -> HoldContext:
    """Held as it records that its effect is present."""
    made = context.product.resources.get(activity)
    fact = (f"{RESOURCE}.present", made[0]) if made else (f"{STEP}.completed", activity)
    with gates.closed_gate(context.addresses, context.slug, *fact) as gate:
        context.start()
        yield _at(context, gate)


@contextmanager
def _flip(context: TrialContext, activity: str) -> HoldContext:
    with gates.closed_gate(context.addresses, context.slug, "tenant.provisioning.completed") as gate:
        context.start()
        yield _at(context, gate)


@contextmanager
def _deferred(context: TrialContext, activity: str) -> HoldContext:
    with fault(context, "slow-start", seconds=600):
        context.start()
        yield Hold(lambda: _state_of(context, activity) == "deferred")


@contextmanager
def _between(context: TrialContext, activity: str) -> HoldContext:
    """Its task has ended and the DAG is paused, so that Airflow does not start the next."""
    following = context.product.next(activity)
    with ExitStack() as stack:
        with _after(context, activity) as hold:
            until(hold.is_held, f"{context.slug} to be held after {activity}")
            stack.callback(gates.retry_until_done, lambda: _pause(context, False))
            _pause(context, True)
        yield Hold(lambda: (_state_of(context, activity), _state_of(context, following)) in _BETWEEN)


_BETWEEN = (("success", None), ("success", "scheduled"))


@contextmanager
def _compensation(context: TrialContext, activity: str) -> HoldContext:
    """Cancelled after all resources were made; held before or after a compensation."""
    resource = context.rng.choice(context.product.resources[activity])
    to_fail = {attack.fault for attack in context.trial.attacks} & {"compensation fails", "compensation hangs"}
    fact = "releasing" if to_fail else context.rng.choice(("releasing", "released"))
    with gates.closed_gate(context.addresses, context.slug, f"{RESOURCE}.{fact}", resource) as gate:
        with _before(context, PIVOT) as hold:
            until(hold.is_held, f"{context.slug} to have all it needs")
            with context.addresses.api_as("operator") as client:
                client.post(
                    f"/tenancy/api/v1/tenants/{context.slug}/cancel", json={"reason": "chaos"}
                ).raise_for_status()
        yield _at(context, gate, resource)


def _at(context: TrialContext, gate: gates.Gate, resource: str = "") -> Hold:
    return Hold(gate.holds, lambda: (context.addresses.ledger, gate.holds()), gate.open, resource)


def _in(dsn: str, statement: str, **release: Any) -> Hold:
    return Hold(lambda: gates.waiting(dsn, statement), lambda: (dsn, gates.waiting(dsn, statement)), **release)


@contextmanager
def _during_validation(context: TrialContext, _: str) -> HoldContext:
    """Its effect is the reservation, which is one transaction."""
    with gates.closed_gate(context.addresses, context.slug, "tenant.provisioning.requested") as gate:
        context.trigger()
        yield _at(context, gate)


@contextmanager
def _during_storage(context: TrialContext, _: str) -> HoldContext:
    """In CREATE DATABASE, or in the open transaction that makes the role."""
    what, catalog = context.rng.choice((("database", "pg_database"), ("role", "pg_authid")))
    with gates.locked(context.addresses.storage, f"lock table {catalog} in share mode"):
        context.start()
        yield _in(context.addresses.storage, f"create {what}{context.name_pattern}")


@contextmanager
def _during_handle(context: TrialContext, activity: str) -> HoldContext:
    with ExitStack() as stack:
        with _before(context, activity) as hold:
            until(hold.is_held, f"{context.slug} to reach {activity}")
            stack.enter_context(gates.locked(context.addresses.airflow, "lock table connection in share mode"))
        yield _in(context.addresses.airflow, f"insert into connection{context.name_pattern}")


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
def _during_schema(context: TrialContext, activity: str) -> HoldContext:
    with _before(context, activity) as hold:
        until(hold.is_held, f"{context.slug} to reach {activity}")
        database = own_database(context)
        rows(database, _HOLD_TABLES)
    try:
        yield _in(database, "%create table%")
    finally:
        gates.retry_until_done(lambda: _open_tables(database))


def own_database(context: TrialContext) -> str:
    """The superuser's DSN of the tenant's database."""
    own = rows(context.addresses.storage, "select datname from pg_database where datname like %s", context.name_pattern)
    if not own:
        raise InjectionMissed("the tenant has no database")
    return in_database(context.addresses.storage, own[0]["datname"])


def _open_tables(database: str) -> None:
    try:
        rows(database, "insert into public.chaos_gate default values")
    except psycopg.OperationalError as error:
        if "does not exist" not in str(error):  # it was dropped meanwhile
            raise


@contextmanager
def _during_install(context: TrialContext, activity: str) -> HoldContext:
    """The namespace exists. The cluster's API never answers requests for what goes into it."""
    with ExitStack() as stack:
        with _before(context, activity) as hold:
            until(hold.is_held, f"{context.slug} to reach {activity}")
            namespace = f"{context.slug}-{context.row()['id'].hex[-10:]}"
            made = set_fault(context, "hang", namespace=namespace, on=["write"])
            stack.callback(clear_fault, context, made)
        yield Hold(lambda: _state_of(context, activity) == "running" and _has_namespace(context))


@contextmanager
def _during_survey(context: TrialContext, activity: str) -> HoldContext:
    """Held in the tenant's own database, because everybody reads Airflow's."""
    with ExitStack() as stack:
        with _before(context, activity) as hold:
            until(hold.is_held, f"{context.slug} to reach {activity}")
            database = own_database(context)
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
    "during": lambda context, activity: _DURING[activity](context, activity),
    "after": _after,
    "compensation": _compensation,
    "flip": _flip,
    "deferred": _deferred,
    "between": _between,
}


def _state_of(context: TrialContext, activity: str) -> str | None:
    return next((task["state"] for task in context.tasks() if task["task_id"] == activity), None)


def _has_namespace(context: TrialContext) -> bool:
    found = context.access.cluster.ask("GET", "/api/v1/namespaces")["items"]
    return any(each["metadata"]["name"].startswith(context.slug) for each in found)


def _pause(context: TrialContext, paused: bool) -> None:
    with context.addresses.api_as("operator", timeout=10) as client:
        client.patch(context.product.dag, json={"is_paused": paused}).raise_for_status()


@contextmanager
def fault(context: TrialContext, kind: str, **options: Any) -> Iterator[None]:
    """A fault of the embedded cluster for this tenant alone."""
    made = set_fault(context, kind, **options)
    try:
        yield
    finally:
        clear_fault(context, made)


def set_fault(context: TrialContext, kind: str, *, everywhere: bool = False, **options: Any) -> str:
    """Set a fault for this tenant alone, by label or namespace, or for all. Returns the fault's id."""
    chosen = {} if everywhere or "namespace" in options else {"selector": f"tenancy.internal/slug={context.slug}"}
    asked = {"kind": kind, **chosen, **options}
    try:
        return str(context.access.cluster.ask("POST", "/emulator/faults", asked)["id"])
    except OSError as error:
        raise InjectionMissed(f"the cluster takes no fault: {error}") from error


def clear_fault(context: TrialContext, made: str) -> None:
    def clear() -> None:
        with suppress(urllib.error.HTTPError):  # it is gone already
            context.access.cluster.ask("DELETE", f"/emulator/faults/{made}")

    gates.retry_until_done(clear)
