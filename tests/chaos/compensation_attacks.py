"""Attacks on a compensation that is about to begin: it fails three times, or its call hangs."""

import time
from collections.abc import Callable

from tests.chaos import gates, injection_points
from tests.chaos.addresses import rows
from tests.chaos.injection_points import Hold
from tests.chaos.trial_context import TrialContext, until
from tests.chaos.trial_generator import Attack

STORAGE_ROLE = "storage_admin"

_HANGS = {
    "role": ("storage", "pg_authid"),
    "database": ("storage", "pg_database"),
    "connection": ("airflow", "connection"),
}
"""The server that is to release it, and the table it has to write for that."""


def fail(context: TrialContext, hold: Hold, attack: Attack) -> None:
    """Make it fail three times, then repair what refused."""
    mend = _refusing(context, hold.resource)
    try:
        hold.release()
        until(lambda: _failures(context, hold.resource) >= 3, "three failed compensations")
    finally:
        gates.retry_until_done(mend)


def _refusing(context: TrialContext, resource: str) -> Callable[[], object]:
    if resource in {"namespace", "release"}:
        made = injection_points.set_fault(context, "http-500", on=["get", "write"])
        return lambda: injection_points.clear_fault(context, made)
    if resource == "connection":
        rows(context.addresses.airflow, _REFUSE_DELETE)
        return lambda: rows(context.addresses.airflow, "drop function if exists public.refuse_delete() cascade")
    rows(context.addresses.storage, f"alter role {STORAGE_ROLE} connection limit 0")
    return lambda: rows(context.addresses.storage, f"alter role {STORAGE_ROLE} connection limit -1")


_REFUSE_DELETE = """
create or replace function public.refuse_delete() returns trigger language plpgsql as $$
begin raise exception 'chaos: not now'; end $$;
create or replace trigger refuse_delete before delete on connection
    for each row execute function public.refuse_delete();
"""


def _failures(context: TrialContext, resource: str) -> int:
    statement = (
        "select count(*) as number from ledger.fact where stream = %s and data ->> 'resource' = %s "
        "and kind = 'tenant.provisioning.compensation.failed'"
    )
    return int(rows(context.addresses.ledger, statement, context.row()["id"], resource)[0]["number"])


def hang(context: TrialContext, hold: Hold, attack: Attack) -> None:
    """Make its call hang for as long as the attack lasts."""
    if hold.resource in {"namespace", "release"}:
        made = injection_points.set_fault(context, "hang")
        context.run_later(attack.lasts, lambda: injection_points.clear_fault(context, made))
    else:
        _lock_beside(context, *_way_to_hang(context, hold.resource), seconds=attack.lasts)
    hold.release()


def _way_to_hang(context: TrialContext, resource: str) -> tuple[str, str]:
    if resource == "schema":
        return injection_points.own_database(context), "lock table pg_namespace in share mode"
    server, table = _HANGS[resource]
    return getattr(context.addresses, server), f"lock table {table} in share mode"


def _lock_beside(context: TrialContext, dsn: str, lock: str, *, seconds: float) -> None:
    taken: list[bool] = []

    def hold_it() -> None:
        with gates.locked(dsn, lock):
            taken.append(True)
            time.sleep(seconds)

    context.run_in_background(hold_it)
    until(lambda: taken, "the lock")
