"""Which of Airflow's executors runs the tasks of a sandbox: chosen at `up`, remembered by its home until a purge.

`local`: tasks are children of the one scheduler. `celery`: two workers take them from Redis, and there are two
schedulers.
"""

from typing import Final, Literal, get_args

from sandbox import json_files
from sandbox.layout import Layout

Executor = Literal["local", "celery"]
EXECUTORS: Final[tuple[Executor, ...]] = get_args(Executor)
AIRFLOWS_NAME: Final[dict[Executor, str]] = {"local": "LocalExecutor", "celery": "CeleryExecutor"}
_USUAL: Final[Executor] = "local"


def remembered(layout: Layout) -> Executor:
    """The one of the last `up`; the usual one where there was none."""
    found = json_files.read(layout.executor).get("executor")
    return next((each for each in EXECUTORS if each == found), _USUAL)


def remember(layout: Layout, executor: Executor) -> None:
    if json_files.read(layout.executor).get("executor") != executor:
        json_files.write(layout.executor, {"executor": executor})
