"""Attacks on a compensation that is about to begin: it fails three times, or hangs in its very call."""

import time
from collections.abc import Callable

from tests.chaos import gates, moments
from tests.chaos.draw import Attack
from tests.chaos.moments import Hold
from tests.chaos.places import rows
from tests.chaos.scene import Scene, until

STORAGE_ROLE = "storage_admin"

_HANGS = {
    "role": ("storage", "pg_authid"),
    "database": ("storage", "pg_database"),
    "connection": ("airflow", "connection"),
}
"""The server that is to release it, and the table it has to write for that."""


def fail(scene: Scene, hold: Hold, attack: Attack) -> None:
    """Three times, with whatever it needs refusing; then it is mended."""
    mend = _refusing(scene, hold.resource)
    try:
        hold.let_go()
        until(lambda: _failures(scene, hold.resource) >= 3, "three failed compensations")
    finally:
        gates.stubbornly(mend)


def _refusing(scene: Scene, resource: str) -> Callable[[], object]:
    if resource in {"namespace", "release"}:
        made = moments.set_fault(scene, "http-500", on=["get", "write"])
        return lambda: moments.clear_fault(scene, made)
    if resource == "connection":
        rows(scene.places.airflow, _REFUSE_DELETE)
        return lambda: rows(scene.places.airflow, "drop function if exists public.refuse_delete() cascade")
    rows(scene.places.storage, f"alter role {STORAGE_ROLE} connection limit 0")
    return lambda: rows(scene.places.storage, f"alter role {STORAGE_ROLE} connection limit -1")


_REFUSE_DELETE = """
create or replace function public.refuse_delete() returns trigger language plpgsql as $$
begin raise exception 'chaos: not now'; end $$;
create or replace trigger refuse_delete before delete on connection
    for each row execute function public.refuse_delete();
"""


def _failures(scene: Scene, resource: str) -> int:
    statement = (
        "select count(*) as number from ledger.fact where stream = %s and data ->> 'resource' = %s "
        "and kind = 'tenant.provisioning.compensation.failed'"
    )
    return int(rows(scene.places.ledger, statement, scene.row()["id"], resource)[0]["number"])


def hang(scene: Scene, hold: Hold, attack: Attack) -> None:
    """In its very call, for as long as the attack lasts."""
    if hold.resource in {"namespace", "release"}:
        made = moments.set_fault(scene, "hang")
        scene.later(attack.lasts, lambda: moments.clear_fault(scene, made))
    else:
        _lock_beside(scene, *_way_to_hang(scene, hold.resource), seconds=attack.lasts)
    hold.let_go()


def _way_to_hang(scene: Scene, resource: str) -> tuple[str, str]:
    if resource == "schema":
        return moments.own_database(scene), "lock table pg_namespace in share mode"
    server, table = _HANGS[resource]
    return getattr(scene.places, server), f"lock table {table} in share mode"


def _lock_beside(scene: Scene, dsn: str, lock: str, *, seconds: float) -> None:
    taken: list[bool] = []

    def hold_it() -> None:
        with gates.locked(dsn, lock):
            taken.append(True)
            time.sleep(seconds)

    scene.beside(hold_it)
    until(lambda: taken, "the lock")
