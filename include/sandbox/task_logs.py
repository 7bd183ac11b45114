"""Airflow's logging configuration for one machine: logs of running tasks are read from disk only.

Airflow's api-server also requests logs from the worker's log server, which listens on every interface, so the sandbox
does not start it. Without this module Airflow 3.3.2 logs a traceback whenever somebody reads a running task's log;
`tests/acceptance/test_sandbox_airflow.py` guards that. Loaded by Airflow through `[logging] logging_config_class`.
"""

from copy import deepcopy
from typing import Any, Final

from airflow.config_templates.airflow_local_settings import DEFAULT_LOGGING_CONFIG
from airflow.utils.log.file_task_handler import FileTaskHandler


class LocalTaskHandler(FileTaskHandler):
    """Reads and writes tasks' logs in the log folder, which all our processes share."""

    def _read_from_logs_server(self, *_: Any, **__: Any) -> tuple[list[str], list[Any]]:
        return [], []


LOGGING_CONFIG: Final[dict[str, Any]] = deepcopy(DEFAULT_LOGGING_CONFIG)
LOGGING_CONFIG["handlers"]["task"]["class"] = f"{__name__}.{LocalTaskHandler.__name__}"
