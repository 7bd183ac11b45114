"""One sandbox for all tests of acceptance and the console that a test process runs, with its own ports.

It is in memory (memory_folders.py) and purged before and after. With TENANCY_KEEP_SANDBOX=1 it is kept in
`.sandbox-test` (or $TENANCY_TEST_SANDBOX), which makes repeated runs start in a second and lets you read its logs. With
TENANCY_TEST_EXECUTOR=celery Celery's workers run its tasks: what holds with one executor holds with the other.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sandbox import lifecycle
from sandbox.access import Access
from sandbox.airflow_env import AirflowOptions
from sandbox.executors import EXECUTORS, Executor
from sandbox.faults.client import FaultClient
from sandbox.layout import PROJECT, Layout
from sandbox.problems import SandboxError
from tests.memory_folders import sandbox_home
from tests.sandbox_failures import SandboxDidNotStartError

_HOME = f".sandbox-test{os.environ.get('PYTEST_XDIST_WORKER', '')}"
_IS_KEPT = os.environ.get("TENANCY_KEEP_SANDBOX") == "1"
_PROBES = Path(__file__).parent / "acceptance" / "dags"
_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"
EXECUTOR: Executor = next((each for each in EXECUTORS if each == os.environ.get("TENANCY_TEST_EXECUTOR")), "local")
"""Who runs the tasks of all sandboxes of tests and campaigns."""
# The project's DAGs and, beside them, those that only tests need.
AIRFLOW_OPTIONS = AirflowOptions(
    executor=EXECUTOR,
    extra_env={
        # Lowered from 120 s and 10 s, so that a stopped process is missed while a test can wait for it.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "12",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
        # Raised from 0.1 s: an idle sandbox takes 0.15 of a core instead of 0.24 (measured 2026-11-30).
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
            [
                {"name": "dags-folder", "classpath": _BUNDLE, "kwargs": {}},
                {"name": "probes", "classpath": _BUNDLE, "kwargs": {"path": str(_PROBES)}},
            ]
        ),
    },
)


@pytest.fixture(scope="session")
def sandbox_layout() -> Layout:
    chosen = os.environ.get("TENANCY_TEST_SANDBOX")
    if chosen or _IS_KEPT:
        return Layout.find(PROJECT / (chosen or _HOME))
    return Layout.find(sandbox_home(PROJECT, _HOME))


@pytest.fixture(scope="session")
def sandbox_up(sandbox_layout: Layout) -> Callable[[], None]:
    """Bring the tests' sandbox up, or heal it: for tests that break it."""
    return lambda: lifecycle.up(sandbox_layout, airflow_options=AIRFLOW_OPTIONS, usual_ports=False)


@pytest.fixture(scope="session")
def sandbox(sandbox_layout: Layout, sandbox_up: Callable[[], None]) -> Iterator[Access]:
    with kept_up(sandbox_layout, sandbox_up) as access:
        yield access


@contextmanager
def kept_up(layout: Layout, up: Callable[[], None]) -> Iterator[Access]:
    """The sandbox that `up` brings up there: purged before and after, unless it is to be kept."""
    if not _IS_KEPT:
        lifecycle.down(layout, purge=True)
    try:
        up()
    except SandboxError as error:
        raise SandboxDidNotStartError(error) from error
    yield Access(layout)
    if not _IS_KEPT:
        lifecycle.down(layout, purge=True)


@pytest.fixture
def fault_client(sandbox: Access) -> Iterator[FaultClient]:
    """Where faults are set; none is left afterwards."""
    yield (fault_client := FaultClient(sandbox.layout))
    fault_client.clear()
    assert fault_client.list() == []
