"""DAGs for the sandbox's own tests: a task that talks and waits as long as its conf says; a run that never begins."""

from datetime import timedelta

from airflow.sdk import dag, get_current_context, task

from tenancy.orchestration.deadline import deadline_alert


@dag(schedule=None, catchup=False)
def sandbox_probe() -> None:
    @task
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
