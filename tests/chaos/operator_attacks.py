"""What people do at the wrong moment, by the JSON API and by Airflow's own buttons."""

import time
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import httpx

from tests.chaos import gates
from tests.chaos.injection_points import Hold
from tests.chaos.trial_context import InjectionMissed, TrialContext, until
from tests.chaos.trial_generator import Attack

API = "/tenancy/api/v1/tenants"


def _act(context: TrialContext, action: str, *, timeout: float = 10) -> int:
    with context.addresses.api_as("operator", timeout=timeout) as client:
        body = {"reason": "chaos", **(confirmation(client, context.slug) if action == "cancel" else {})}
        return client.post(f"{API}/{context.slug}/{action}", json=body).status_code


def confirmation(client: httpx.Client, slug: str) -> dict[str, str]:
    """The confirmation that a destructive action needs after the point of no return."""
    return {"tenant_id": str(client.get(f"{API}/{slug}").json().get("id", "")), "confirm_slug": slug}


def cancel(context: TrialContext, hold: Hold, attack: Attack) -> None:
    _cancel_at_once(context, 1)


def cancel_twice(context: TrialContext, hold: Hold, attack: Attack) -> None:
    _cancel_at_once(context, 2)


def _cancel_at_once(context: TrialContext, times: int) -> None:
    """During the flip a Cancel waits for its end. It counts as injected, and is refused if the flip succeeds."""
    answers: list[int] = []

    def ask() -> None:
        try:
            answers.append(_act(context, "cancel", timeout=60))
        except httpx.HTTPError:
            answers.append(0)

    for _ in range(times):
        context.run_in_background(ask)
    if context.trial.phase == "flip":
        until(
            lambda: answers or gates.blocked(context.addresses.ledger) >= times,
            "Cancel to wait for the flip",
            seconds=10,
        )
    else:
        until(lambda: len(answers) == times, "Cancel to be answered", seconds=15)
        _require(min(answers), 202)


def recover(context: TrialContext, hold: Hold, attack: Attack) -> None:
    """Cancel now; reset and retry as soon as they are accepted."""
    cancel(context, hold, attack)
    context.run_in_background(lambda: _press(context, "reset", "retry"))


def _press(context: TrialContext, *actions: str) -> None:
    """Repeat each action until it is accepted, for at most 60 s."""
    deadline = time.monotonic() + 60
    for action in actions:
        while time.monotonic() < deadline:
            with suppress(httpx.HTTPError):
                if _act(context, action) < 300:
                    break
            time.sleep(0.1)


def patch_run(context: TrialContext, hold: Hold, attack: Attack) -> None:
    answers = (_airflow(context, "PATCH", _run(context), {"state": "failed"}) for _ in range(3))
    _require(next((each for each in answers if each != 500), 500), 200)  # 500: a deadlock; people press again


def patch_task(context: TrialContext, hold: Hold, attack: Attack) -> None:
    activity = context.trial.activity
    if context.trial.phase == "between":
        activity = context.product.next(activity)
    task = f"{_run(context)}/taskInstances/{activity}"
    answers = (_airflow(context, "PATCH", task, {"new_state": "failed"}) for _ in range(3))
    _require(next((each for each in answers if each != 500), 500), 200)


def clear_some(context: TrialContext, hold: Hold, attack: Attack) -> None:
    activities = context.product.activities
    chosen = context.rng.sample(activities, context.rng.randint(1, len(activities)))
    body = {"dry_run": False, "dag_run_id": context.run_id, "only_failed": False, "task_ids": chosen}
    _require(
        _airflow(context, "POST", f"{context.product.dag}/clearTaskInstances", {**body, "reset_dag_runs": True}), 200
    )


def trigger_again(context: TrialContext, hold: Hold, attack: Attack) -> None:
    _require(
        _airflow(
            context,
            "POST",
            f"{context.product.dag}/dagRuns",
            {"logical_date": None, "conf": context.request(context.slug)},
        ),
        200,
    )


def delete_run(context: TrialContext, hold: Hold, attack: Attack) -> None:
    """Airflow deletes no live run, so mark it failed first."""
    if _airflow(context, "DELETE", _run(context), None) == 409:
        patch_run(context, hold, attack)
        _require(_airflow(context, "DELETE", _run(context), None), 204)


def _run(context: TrialContext) -> str:
    return f"{context.product.dag}/dagRuns/{quote(context.run_id, safe='')}"


def _airflow(context: TrialContext, method: str, path: str, body: dict[str, Any] | None) -> int:
    with context.addresses.api_as("engineer", timeout=15) as client:
        return client.request(method, path, json=body).status_code


def _require(status: int, expected: int) -> None:
    if status != expected:
        raise InjectionMissed(f"answered {status}, not {expected}")
