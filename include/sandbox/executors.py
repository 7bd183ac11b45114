"""Which of Airflow's executors runs a sandbox's tasks. `up` chooses it; its home keeps the choice until a purge.

`local`: tasks are children of the one scheduler. `celery`: two workers take them from Redis, with two schedulers.
"""

from typing import Final, Literal, get_args

from sandbox import json_files
from sandbox.layout import Layout

Executor = Literal["local", "celery"]
EXECUTORS: Final[tuple[Executor, ...]] = get_args(Executor)
AIRFLOWS_NAME: Final[dict[Executor, str]] = {"local": "LocalExecutor", "celery": "CeleryExecutor"}
_USUAL: Final[Executor] = "local"


def remembered(layout: Layout) -> Executor:
    """The executor of the last `up`, or the default."""
    found = json_files.read(layout.executor).get("executor")
    return next((each for each in EXECUTORS if each == found), _USUAL)


def remember(layout: Layout, executor: Executor) -> None:
    if json_files.read(layout.executor).get("executor") != executor:
        json_files.write(layout.executor, {"executor": executor})
