"""The environment of every Airflow process of a sandbox, and the wrapper that gives it to a person's shell.

Two profiles, so that they can be compared: `shipped` is what Tenancy recommends; `stock` is Airflow's default with only
our users' roles. This module writes two files and starts nothing.
"""

import hashlib
import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from sandbox import database_names, json_files
from sandbox.environment import inherited
from sandbox.executors import AIRFLOWS_NAME, Executor
from sandbox.layout import Layout
from sandbox.ports import HOST
from sandbox.secrets import Secrets
from tenancy.airflow_settings import celery_settings, shipped_settings

Profile = Literal["shipped", "stock"]
PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)

_SAMPLE: Final = "sample"
_IN_BOTH_PROFILES: Final = (
    "AIRFLOW__CORE__AUTH_MANAGER",
    "AIRFLOW__FAB__CUSTOM_ROLES",
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION",
    "AIRFLOW__CORE__LOAD_EXAMPLES",
)


@dataclass(frozen=True)
class AirflowOptions:
    """What the caller of `up` may choose about Airflow. Without an executor the sandbox keeps the one that it had."""

    profile: Profile = "shipped"
    dags_folder: Path | None = None
    extra_env: Mapping[str, str] = field(default_factory=dict)
    executor: Executor | None = None


def variables(
    layout: Layout, ports: Mapping[str, int], secrets: Secrets, airflow_options: AirflowOptions, executor: Executor
) -> dict[str, str]:
    """The variables that we set, without those inherited from the shell."""
    return {
        **_profile(airflow_options.profile),
        **_paths(layout, airflow_options),
        **_addresses(ports),
        **_secrets(ports, secrets),
        **_executor(ports, secrets, executor),
        **airflow_options.extra_env,
    }


def complete(settings: Mapping[str, str]) -> dict[str, str]:
    # Unbuffered, so that the end of a log shows why a process died.
    return inherited() | {"PYTHONUNBUFFERED": "1"} | dict(settings)


def fingerprint(settings: Mapping[str, str], command: Sequence[str], code: str) -> str:
    """A hash that changes when a running process needs a restart to get these settings, or this code."""
    return hashlib.sha256(json.dumps([sorted(settings.items()), list(command), code]).encode()).hexdigest()


def hash_code(layout: Layout) -> str:
    """A hash of the product's modules, which every Airflow process keeps from its start on."""
    hashed = hashlib.sha256()
    for path in sorted([*(layout.include / "tenancy").rglob("*.py"), *layout.plugins.rglob("*.py")]):
        hashed.update(path.read_bytes())
    return hashed.hexdigest()


def write_command(layout: Layout, settings: Mapping[str, str]) -> None:
    """Write `bin/airflow`, so that a person can run any Airflow command against this sandbox."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in sorted(settings.items())]
    json_files.write_private(layout.airflow_environment, "\n".join(lines) + "\n")
    layout.airflow_command.parent.mkdir(mode=0o700, exist_ok=True)
    script = (
        "#!/bin/sh\n"
        "# Airflow's command line in the environment of this sandbox; written by `python -m sandbox up`.\n"
        "unset PYTHONDONTWRITEBYTECODE\n"
        f". {shlex.quote(str(layout.airflow_environment))}\n"
        f'exec {shlex.quote(str(layout.python))} -m airflow "$@"\n'
    )
    json_files.write_private(layout.airflow_command, script, mode=0o700)


def _profile(profile: Profile) -> dict[str, str]:
    shipped = shipped_settings()
    if profile == "shipped":
        return shipped
    return {name: shipped[name] for name in _IN_BOTH_PROFILES} | {"TENANCY_PRELOAD": "0"}


def _paths(layout: Layout, airflow_options: AirflowOptions) -> dict[str, str]:
    return {
        "AIRFLOW_HOME": str(layout.airflow_home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(airflow_options.dags_folder or layout.dags),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(layout.plugins),
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(layout.logs / "tasks"),
        "AIRFLOW__LOGGING__LOGGING_CONFIG_CLASS": "sandbox.task_logs.LOGGING_CONFIG",
        "PYTHONPATH": str(layout.include),
        "TENANCY_PLATFORM_FILE": str(layout.platform_file),
        **_products(Path(os.environ.get("TENANCY_PRODUCTS") or layout.products)),
        "TENANCY_SANDBOX_HOME": str(layout.home),
    }


def _products(folder: Path) -> dict[str, str]:
    """The default product is the sample or the first one, unless the shell names another."""
    names = sorted(file.parent.name for file in folder.glob("*/product.toml"))
    usual = _SAMPLE if _SAMPLE in names else next(iter(names), "")
    return {"TENANCY_PRODUCTS": str(folder), "TENANCY_PRODUCT": os.environ.get("TENANCY_PRODUCT") or usual}


def _addresses(ports: Mapping[str, int]) -> dict[str, str]:
    api = f"http://{HOST}:{ports['api']}"
    return {
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "sandbox.ports.loopback_host",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{api}/execution/",
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": str(ports["api"]),
        "AIRFLOW__API__BASE_URL": api,
        "AIRFLOW__API_AUTH__JWT_ISSUER": "tenancy-sandbox",
        "TENANCY_INGRESS_PORT": str(ports["ingress"]),
    }


def _secrets(ports: Mapping[str, int], secrets: Secrets) -> dict[str, str]:
    where = f"{HOST}:{ports['platform']}/{database_names.AIRFLOW}"
    who = f"{database_names.AIRFLOW}:{secrets.airflow_database}"
    return {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{who}@{where}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg://{who}@{where}",
        "AIRFLOW__CORE__FERNET_KEY": secrets.fernet_key,
        "AIRFLOW__API__SECRET_KEY": secrets.api_secret_key,
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.jwt_secret,
    }


def _executor(ports: Mapping[str, int], secrets: Secrets, executor: Executor) -> dict[str, str]:
    name = {"AIRFLOW__CORE__EXECUTOR": AIRFLOWS_NAME[executor]}
    if executor == "local":
        return {**name, "AIRFLOW__CORE__PARALLELISM": "8"}
    results = _secrets(ports, secrets)["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]
    return {
        **name,
        **celery_settings(),
        # Of each scheduler and of each worker: eight tasks at once, as with LocalExecutor.
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "4",
        "AIRFLOW__CELERY__BROKER_URL": f"redis://:{secrets.broker}@{HOST}:{ports['broker']}/0",
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{results}",
        # DAGs are read from a folder here: the process in each worker that removes old copies has nothing to do.
        "AIRFLOW__DAG_PROCESSOR__STALE_BUNDLE_CLEANUP_INTERVAL": "0",
    }
