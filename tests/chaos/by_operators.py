"""What people do at the wrong moment: by the JSON API, and by Airflow's own buttons."""

import time
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import httpx

from tests.chaos import gates
from tests.chaos.draw import ACTIVITIES, Attack
from tests.chaos.moments import Hold
from tests.chaos.scene import DAG, Missed, Scene, until

API = "/tenancy/api/v1/tenants"


def _act(scene: Scene, action: str, *, timeout: float = 10) -> int:
    with scene.places.api_as("operator", timeout=timeout) as client:
        body = {"reason": "chaos", **(named(client, scene.slug) if action == "cancel" else {})}
        return client.post(f"{API}/{scene.slug}/{action}", json=body).status_code


def named(client: httpx.Client, slug: str) -> dict[str, str]:
    """What destroys names the tenant, as it has to be behind the point of no return."""
    return {"tenant_id": str(client.get(f"{API}/{slug}").json().get("id", "")), "confirm_slug": slug}


def cancel(scene: Scene, hold: Hold, attack: Attack) -> None:
    _cancel_at_once(scene, 1)


def cancel_twice(scene: Scene, hold: Hold, attack: Attack) -> None:
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


def recover(scene: Scene, hold: Hold, attack: Attack) -> None:
    """Cancel now; reset and retry as soon as they are accepted."""
    cancel(scene, hold, attack)
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


def patch_run(scene: Scene, hold: Hold, attack: Attack) -> None:
    answers = (_airflow(scene, "PATCH", _run(scene), {"state": "failed"}) for _ in range(3))
    _require(next((each for each in answers if each != 500), 500), 200)  # 500: a deadlock; people press again


def patch_task(scene: Scene, hold: Hold, attack: Attack) -> None:
    activity = scene.trial.activity
    if scene.trial.phase == "between":
        activity = ACTIVITIES[ACTIVITIES.index(activity) + 1]
    task = f"{_run(scene)}/taskInstances/{activity}"
    answers = (_airflow(scene, "PATCH", task, {"new_state": "failed"}) for _ in range(3))
    _require(next((each for each in answers if each != 500), 500), 200)


def clear_some(scene: Scene, hold: Hold, attack: Attack) -> None:
    chosen = scene.chance.sample(ACTIVITIES, scene.chance.randint(1, len(ACTIVITIES)))
    body = {"dry_run": False, "dag_run_id": scene.run_id, "only_failed": False, "task_ids": chosen}
    _require(_airflow(scene, "POST", f"{DAG}/clearTaskInstances", {**body, "reset_dag_runs": True}), 200)


def trigger_again(scene: Scene, hold: Hold, attack: Attack) -> None:
    _require(_airflow(scene, "POST", f"{DAG}/dagRuns", {"logical_date": None, "conf": scene.request(scene.slug)}), 200)


def delete_run(scene: Scene, hold: Hold, attack: Attack) -> None:
    """Airflow deletes no live run: whoever wants it gone marks it failed and deletes it at once."""
    if _airflow(scene, "DELETE", _run(scene), None) == 409:
        patch_run(scene, hold, attack)
        _require(_airflow(scene, "DELETE", _run(scene), None), 204)


def _run(scene: Scene) -> str:
    return f"{DAG}/dagRuns/{quote(scene.run_id, safe='')}"


def _airflow(scene: Scene, method: str, path: str, body: dict[str, Any] | None) -> int:
    with scene.places.api_as("engineer", timeout=15) as client:
        return client.request(method, path, json=body).status_code


def _require(status: int, wanted: int) -> None:
    if status != wanted:
        raise Missed(f"answered {status}, not {wanted}")
