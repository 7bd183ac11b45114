"""The Airflow processes of a sandbox: their commands, in start order.

Log servers are not started, because Airflow binds them to every interface. Everything runs on this machine, so the
api-server reads tasks' logs from disk (`task_logs` keeps it from requesting them).
"""

from dataclasses import dataclass
from typing import Final

from sandbox.executors import Executor
from sandbox.layout import Layout
from sandbox.ports import HOSTNAME_VARIABLE


@dataclass(frozen=True)
class Component:
    """One Airflow process.

    `health_name` is its name in Airflow's health report; None for the api-server, which is healthy when it responds.
    `hostname` distinguishes two processes of a kind; tasks record it as the worker that ran them.
    """

    name: str
    arguments: tuple[str, ...]
    health_name: str | None
    hostname: str = ""

    def command(self, layout: Layout) -> list[str]:
        return [str(layout.python), "-m", "sandbox.restart_on_error", *self.arguments]

    @property
    def environment(self) -> dict[str, str]:
        """Variables for this process only."""
        return {HOSTNAME_VARIABLE: self.hostname} if self.hostname else {}


def _celery_scheduler(name: str) -> Component:
    return Component(name, ("scheduler", "--skip-serve-logs"), name, hostname=name)


def _celery_worker(name: str) -> Component:
    # Airflow does not need mingle and gossip, by which workers know each other; each costs start-up time.
    talk = ("--without-mingle", "--without-gossip")
    command = ("celery", "worker", "--skip-serve-logs", "--celery-hostname", name, *talk)
    return Component(name, command, name, hostname=name)


API_SERVER: Final = Component("api-server", ("api-server",), None)
PREPARE: Final = "prepare"
"""The process that prepares Airflow's database. It runs before the others and ends."""
SCHEDULER: Final = "scheduler"
DAG_PROCESSOR: Final = Component("dag-processor", ("dag-processor",), "dag_processor")
_TRIGGERER: Final = Component("triggerer", ("triggerer", "--skip-serve-logs"), "triggerer")
COMPONENTS: Final[dict[Executor, tuple[Component, ...]]] = {
    "local": (
        API_SERVER,
        Component(SCHEDULER, ("scheduler", "--skip-serve-logs"), "scheduler"),
        DAG_PROCESSOR,
        _TRIGGERER,
    ),
    "celery": (
        API_SERVER,
        _celery_scheduler(SCHEDULER),
        _celery_scheduler("scheduler-2"),
        DAG_PROCESSOR,
        _TRIGGERER,
        _celery_worker("worker-1"),
        _celery_worker("worker-2"),
    ),
}
SCHEDULERS: Final = (SCHEDULER, "scheduler-2")
WORKERS: Final = ("worker-1", "worker-2")
EVERY_NAME: Final = tuple(dict.fromkeys(each.name for those in COMPONENTS.values() for each in those))
"""The processes of all executors, so that everything that was started can be stopped."""
