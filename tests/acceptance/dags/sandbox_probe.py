"""DAGs for the sandbox's own tests: a task that logs and waits as long as its conf states; a run that never begins.

If the task fails, its callback leaves a file with the session in which it ran: a daemon's session is its process id.
"""

from datetime import timedelta
from typing import Any

from airflow.sdk import dag, get_current_context, task

from tenancy.orchestration.deadline import deadline_alert


def tell(context: Any) -> None:
    import os
    from pathlib import Path

    log = Path(os.environ["TENANCY_SANDBOX_HOME"]) / "logs" / f"told-{context['run_id']}"
    log.write_text(str(os.getsid(0)), encoding="utf-8")


@dag(schedule=None, catchup=False)
def sandbox_probe() -> None:
    @task(on_failure_callback=tell)
    def wait() -> None:
        import time

        print("the probe is running", flush=True)  # noqa: T201 - the line the test looks for
        time.sleep(float(get_current_context()["params"].get("seconds", 0)))

    wait()


sandbox_probe()


@dag(schedule=None, catchup=False, is_paused_upon_creation=True, deadline=deadline_alert(timedelta(seconds=2)))
def deadline_probe() -> None:
    """Paused: its runs stay queued, and their time passes all the same."""

    @task
    def never() -> None:
        raise AssertionError

    never()


deadline_probe()
