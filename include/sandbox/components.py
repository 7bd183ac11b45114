"""The Airflow processes of a sandbox: their commands, in the order of their start.

No log servers: Airflow binds them to every interface. Everything runs on this machine, so the api-server reads the
tasks' logs from disk (`task_logs` keeps it from asking).
"""

from dataclasses import dataclass
from typing import Final

from sandbox.layout import Layout


@dataclass(frozen=True)
class Component:
    """One Airflow process; `beats` is its name in the health report, None when answering is its health."""

    name: str
    arguments: tuple[str, ...]
    beats: str | None

    def command(self, layout: Layout) -> list[str]:
        return [str(layout.python), "-m", "airflow", *self.arguments]


API_SERVER: Final = Component("api-server", ("api-server",), None)
PREPARE: Final = "prepare"
"""The process that prepares Airflow's database: runs before the others, and ends."""
DAG_PROCESSOR: Final = Component("dag-processor", ("dag-processor",), "dag_processor")
COMPONENTS: Final = (
    API_SERVER,
    Component("scheduler", ("scheduler", "--skip-serve-logs"), "scheduler"),
    DAG_PROCESSOR,
    Component("triggerer", ("triggerer", "--skip-serve-logs"), "triggerer"),
)
