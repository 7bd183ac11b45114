"""Prepares the databases for this version of the project.

`lifecycle` calls it whenever a part was started. Roles and databases are checked each time (20 ms); tables, users and
connections only when `preparation_record` differs or the tables are gone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import psycopg

from installation import ledger_tables
from sandbox import airflow_env, databases, preparation_record, processes, servers
from sandbox.components import PREPARE
from sandbox.database_names import AIRFLOW, LEDGER
from sandbox.layout import Layout
from sandbox.log_tail import last_lines
from sandbox.problems import SandboxError
from sandbox.processes import Register
from sandbox.progress import ProgressReporter
from sandbox.secrets import Secrets

LIMIT_SECONDS: Final = 300.0


@dataclass(frozen=True)
class Preparation:
    """Everything the preparation of one sandbox depends on."""

    layout: Layout
    ports: Mapping[str, int]
    secrets: Secrets
    environment: Mapping[str, str]
    register: Register
    progress: ProgressReporter

    def ensure(self) -> None:
        platform = servers.server(servers.PLATFORM, self.layout, self.ports, self.secrets)
        databases.prepare_platform(platform, self.secrets)
        databases.prepare_storage(servers.server(servers.STORAGE, self.layout, self.ports, self.secrets), self.secrets)
        metadata = platform.dsn(AIRFLOW, AIRFLOW, self.secrets.airflow_database)
        ledger = platform.dsn(LEDGER, LEDGER, self.secrets.ledger_database)
        expected = preparation_record.digest(self.layout, self.ports, self.secrets)
        if preparation_record.is_current(self.layout, expected) and _has_users(metadata) and _has_tables(ledger):
            return
        with self.progress.step("Prepare Airflow's database: tables, roles, users, connections"):
            self._initialise_airflow()
        with self.progress.step("Prepare the ledger"):
            ledger_tables.prepare(platform.superuser_dsn(LEDGER))
        preparation_record.record(self.layout, expected)

    def _initialise_airflow(self) -> None:
        """Run as a recorded daemon, so that the next `up` can end it if this process is killed."""
        log = self.layout.log_of(PREPARE)
        self.layout.airflow_home.mkdir(mode=0o700, exist_ok=True)
        daemon = processes.start(
            PREPARE,
            [str(self.layout.python), "-m", "sandbox.airflow_init"],
            environment=airflow_env.complete(self.environment),
            directory=self.layout.home,
            log=log,
            record=self.register.put,
        )
        try:
            code = processes.result(daemon, within_seconds=LIMIT_SECONDS)
        finally:
            processes.stop(daemon)
            self.register.forget(PREPARE)
        if code != 0:
            raise SandboxError(f"Airflow's database could not be prepared: {last_lines(log, 2)} (log: {log}).")


def _has_users(dsn: str) -> bool:
    return _answers(dsn, "SELECT 1 FROM ab_user WHERE username = 'tenancy-service'")


def _has_tables(dsn: str) -> bool:
    return _answers(dsn, "SELECT 1 FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")


def _answers(dsn: str, question: str) -> bool:
    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection:
            return connection.execute(question.encode()).fetchone() is not None
    except psycopg.errors.UndefinedTable:
        return False
