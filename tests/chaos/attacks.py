"""The attacks: one function a fault, each upon a tenant that is held. Missed when it cannot be made.

What has to be mended again is put off to the scene, which mends it in time; nothing here waits for that.
"""

import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import psycopg

from sandbox import processes
from sandbox.processes import Daemon, Register
from tests.chaos import gates, moments
from tests.chaos.draw import ACTIVITIES, PARTS, Attack
from tests.chaos.moments import Hold
from tests.chaos.places import rows
from tests.chaos.scene import DAG, Missed, Scene, until

API = "/tenancy/api/v1/tenants"
_LEDGER_ROLE, _STORAGE_ROLE = "ledger", "storage_admin"


def strike(scene: Scene, hold: Hold, attack: Attack) -> None:
    """Make one attack."""
    time.sleep(attack.after)
    try:
        _STRIKES[attack.fault](scene, hold, attack)
    except (httpx.HTTPError, psycopg.Error, psutil.Error) as error:
        raise Missed(f"{attack.fault}: {error!r}") from error


# --- processes ---


def _kill_task(scene: Scene, hold: Hold, attack: Attack) -> None:
    scene.task_process().kill()


def _kill_supervisor(scene: Scene, hold: Hold, attack: Attack) -> None:
    supervisor = scene.task_process().parent()
    if supervisor is None:
        raise Missed("the task has no supervisor")
    supervisor.kill()


def _kill_task_and_supervisor(scene: Scene, hold: Hold, attack: Attack) -> None:
    for each in _task_and_supervisor(scene):
        each.kill()


def _stop_task(scene: Scene, hold: Hold, attack: Attack) -> None:
    stopped = _task_and_supervisor(scene)
    for each in stopped:
        each.suspend()
    scene.later(attack.lasts, lambda: _resume(stopped))


def _task_and_supervisor(scene: Scene) -> list[psutil.Process]:
    task = scene.task_process()
    return [each for each in (task, task.parent()) if each is not None]


def _resume(stopped: list[psutil.Process]) -> None:
    for each in stopped:
        with suppress(psutil.NoSuchProcess):
            each.resume()


def _kill_part(name: str) -> Callable[[Scene, Hold, Attack], None]:
    def kill(scene: Scene, hold: Hold, attack: Attack) -> None:
        processes.ask(_part(scene, name), signal.SIGKILL)
        scene.later(attack.lasts, scene.heal)

    return kill


def _stop_part(scene: Scene, hold: Hold, attack: Attack) -> None:
    part = _part(scene, scene.chance.choice(PARTS))
    processes.ask(part, signal.SIGSTOP)
    scene.later(attack.lasts, lambda: processes.ask(part, signal.SIGCONT))
    scene.later(attack.lasts + 1, scene.heal)


def _part(scene: Scene, name: str) -> Daemon:
    part = Register(scene.access.layout.processes).get(name)
    if part is None or not part.alive:
        raise Missed(f"{name} does not run")
    return part


# --- connections ---


def _cut(where: str, role: str) -> Callable[[Scene, Hold, Attack], None]:
    """End the role's sessions, and let it have none for a while."""

    def cut(scene: Scene, hold: Hold, attack: Attack) -> None:
        dsn = getattr(scene.places, where)
        rows(dsn, f"alter role {role} connection limit 0")
        scene.later(attack.lasts, lambda: rows(dsn, f"alter role {role} connection limit -1"))
        rows(dsn, "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", role)

    return cut


def _cut_cluster(scene: Scene, hold: Hold, attack: Attack) -> None:
    made = moments.set_fault(scene, "refuse", everywhere=True)
    scene.later(attack.lasts, lambda: moments.clear_fault(scene, made))


def _raise(scene: Scene, hold: Hold, attack: Attack) -> None:
    """An error where it waits: its statement is cancelled; the cluster's API says 500."""
    place = hold.backend()
    if place is not None:
        dsn, backend = place
        cancelled = backend and rows(dsn, "select pg_cancel_backend(%s) as done", backend)[0]["done"]
        if not cancelled:
            raise Missed("nothing waits that could be cancelled")
    else:
        made = moments.set_fault(scene, "http-500")
        scene.later(attack.lasts, lambda: moments.clear_fault(scene, made))


# --- operators ---


def _act(scene: Scene, action: str, *, timeout: float = 10) -> int:
    with scene.places.api_as("operator", timeout=timeout) as client:
        return client.post(f"{API}/{scene.slug}/{action}", json={"reason": "chaos"}).status_code


def _cancel(scene: Scene, hold: Hold, attack: Attack) -> None:
    _cancel_at_once(scene, 1)


def _cancel_twice(scene: Scene, hold: Hold, attack: Attack) -> None:
    _cancel_at_once(scene, 2)


def _cancel_at_once(scene: Scene, times: int) -> None:
    """In the middle of the flip it waits for the flip: then it has struck, and is refused if the flip succeeds."""
    answers: list[int] = []

    def ask() -> None:
        try:
            answers.append(_act(scene, "cancel", timeout=60))
        except httpx.HTTPError:
            answers.append(0)

    for _ in range(times):
        scene.beside(ask)
    if scene.trial.phase == "flip":
        until(lambda: answers or gates.blocked(scene.places.ledger) >= times, "Cancel to wait for the flip", seconds=10)
    else:
        until(lambda: len(answers) == times, "Cancel to be answered", seconds=15)
        _require(min(answers), 202)


def _recover(scene: Scene, hold: Hold, attack: Attack) -> None:
    """Cancel now; reset and retry as soon as they are accepted."""
    _cancel(scene, hold, attack)
    scene.beside(lambda: _press(scene, "reset", "retry"))


def _press(scene: Scene, *actions: str) -> None:
    """Each again and again until it is accepted, or a while has passed."""
    deadline = time.monotonic() + 60
    for action in actions:
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError):
                if _act(scene, action) < 300:
                    break
            time.sleep(0.1)


def _patch_run(scene: Scene, hold: Hold, attack: Attack) -> None:
    answers = (_airflow(scene, "PATCH", _run(scene), {"state": "failed"}) for _ in range(3))
    _require(next((each for each in answers if each != 500), 500), 200)  # 500: a deadlock; people press again


def _patch_task(scene: Scene, hold: Hold, attack: Attack) -> None:
    activity = scene.trial.activity
    if scene.trial.phase == "between":
        activity = ACTIVITIES[ACTIVITIES.index(activity) + 1]
    task = f"{_run(scene)}/taskInstances/{activity}"
    answers = (_airflow(scene, "PATCH", task, {"new_state": "failed"}) for _ in range(3))
    _require(next((each for each in answers if each != 500), 500), 200)


def _clear_some(scene: Scene, hold: Hold, attack: Attack) -> None:
    chosen = scene.chance.sample(ACTIVITIES, scene.chance.randint(1, len(ACTIVITIES)))
    body = {"dry_run": False, "dag_run_id": scene.run_id, "only_failed": False, "task_ids": chosen}
    _require(_airflow(scene, "POST", f"{DAG}/clearTaskInstances", {**body, "reset_dag_runs": True}), 200)


def _trigger_again(scene: Scene, hold: Hold, attack: Attack) -> None:
    _require(_airflow(scene, "POST", f"{DAG}/dagRuns", {"logical_date": None, "conf": scene.request(scene.slug)}), 200)


def _delete_run(scene: Scene, hold: Hold, attack: Attack) -> None:
    """Airflow deletes no live run: whoever wants it gone marks it failed and deletes it at once."""
    if _airflow(scene, "DELETE", _run(scene), None) == 409:
        _patch_run(scene, hold, attack)
        _require(_airflow(scene, "DELETE", _run(scene), None), 204)


def _run(scene: Scene) -> str:
    return f"{DAG}/dagRuns/{quote(scene.run_id, safe='')}"


def _airflow(scene: Scene, method: str, path: str, body: dict[str, Any] | None) -> int:
    with scene.places.api_as("engineer", timeout=15) as client:
        return client.request(method, path, json=body).status_code


def _require(status: int, wanted: int) -> None:
    if status != wanted:
        raise Missed(f"answered {status}, not {wanted}")


# --- compensations ---

_HANGS = {
    "role": ("storage", "pg_authid"),
    "database": ("storage", "pg_database"),
    "connection": ("airflow", "connection"),
}
"""The server that is to release it, and the table it has to write for that."""


def _compensation_fails(scene: Scene, hold: Hold, attack: Attack) -> None:
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
    rows(scene.places.storage, f"alter role {_STORAGE_ROLE} connection limit 0")
    return lambda: rows(scene.places.storage, f"alter role {_STORAGE_ROLE} connection limit -1")


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


def _compensation_hangs(scene: Scene, hold: Hold, attack: Attack) -> None:
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


_STRIKES: dict[str, Callable[[Scene, Hold, Attack], None]] = {
    "kill task": _kill_task,
    "kill supervisor": _kill_supervisor,
    **{f"kill {part}": _kill_part(part) for part in PARTS},
    "stop task": _stop_task,
    "stop part": _stop_part,
    "cut ledger": _cut("ledger", _LEDGER_ROLE),
    "cut storage": _cut("storage", _STORAGE_ROLE),
    "cut cluster": _cut_cluster,
    "raise": _raise,
    "cancel by API": _cancel,
    "cancel by PATCH on run": _patch_run,
    "PATCH task failed": _patch_task,
    "cancel twice at once": _cancel_twice,
    "cancel, reset, retry": _recover,
    "clear a subset": _clear_some,
    "trigger again": _trigger_again,
    "delete the run": _delete_run,
    "compensation fails": _compensation_fails,
    "compensation hangs": _compensation_hangs,
    "compensation is killed": _kill_task_and_supervisor,
}
