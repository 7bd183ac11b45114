"""A DAG for the sandbox's own tests: one task that talks and then waits as long as its conf says."""

from airflow.sdk import dag, get_current_context, task


@dag(schedule=None, catchup=False)
def sandbox_probe() -> None:
    @task
    def wait() -> None:
        import time

        print("the probe is running", flush=True)  # noqa: T201 - the line the test looks for
        time.sleep(float(get_current_context()["params"].get("seconds", 0)))

    wait()


sandbox_probe()
