"""Imported by every Airflow process at start: preloads what tasks import, where tasks are forked from it.

LocalExecutor's workers fork from the scheduler and Celery's from the worker, so modules imported here are inherited
by every task process: ten runs went from 70 to 9.6 CPU-seconds (Airflow 3.3.2, 2 cores). Our own modules were 0.35 of
the 0.45 CPU-seconds that were left of each task. Never preload the Helm library here: it does not survive a fork.
"""

import contextlib
import gc
import importlib
import os
import sys

_PRELOADED = (
    "airflow.providers.postgres.hooks.postgres",
    "alembic.command",
    "email_validator",
    "httpx",
    "kubernetes.config",
    "psycopg",
)
_PRELOADED_BEFORE_FORK = (
    "airflow.dag_processing.bundles.local",
    "airflow.sdk.definitions.retry_policy",
    "airflow.sdk.execution_time.timeout",
    "difflib",
    "jinja2.ext",
    "tenancy.task_modules",
)
"""They need an Airflow that is loaded."""


def _forks_tasks(argv: list[str]) -> bool:
    """A scheduler does unless Celery's workers do."""
    from airflow.configuration import conf  # Airflow is being loaded: it is there by now

    by_scheduler = "LocalExecutor" in conf.get("core", "executor")
    return (argv[1:2] == ["scheduler"] and by_scheduler) or argv[1:3] == ["celery", "worker"]


def _preload() -> None:
    for name in _PRELOADED:
        importlib.import_module(name)
    os.register_at_fork(before=_preload_before_fork)


def _preload_before_fork() -> None:
    """From the second fork on, all is imported already. A task that needs a module that fails reports the error."""
    for name in _PRELOADED_BEFORE_FORK:
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def _before_the_runner() -> None:
    """The triggerer's runner is a fork of it. What the collector never walks stays shared: 36 MB less for both."""
    from tenancy.triggerer_connections import read_directly  # Airflow is loaded by now

    read_directly()
    gc.collect()
    gc.freeze()


def _refuse_unknown_auth_manager() -> None:
    """Ends the api-server before it serves anything. (The console checks once more: who runs without this file.)"""
    from airflow.configuration import conf  # Airflow is being loaded

    from tenancy.auth_manager import FAB, refusal_of

    if conf.get("core", "auth_manager") == FAB:  # the usual one need not be imported to be known
        return
    refusal = refusal_of(conf.getimport("core", "auth_manager"))
    if refusal:
        sys.exit(refusal)


def _check_starts_by_command() -> None:
    """`airflow dags trigger` and `airflow dags test` insert runs themselves, and need not load the plugin before."""
    from tenancy.orchestration.run_starts import install  # Airflow is being loaded

    install()


if sys.argv[1:2] == ["api-server"]:
    _refuse_unknown_auth_manager()
if sys.argv[1:2] == ["dags"]:
    _check_starts_by_command()
if sys.argv[1:2] == ["triggerer"]:
    os.register_at_fork(before=_before_the_runner)
if _forks_tasks(sys.argv) and os.environ.get("TENANCY_PRELOAD", "1") != "0":
    _preload()
