"""Prepares roles and databases on the two servers, as in every installation (`installation.database_setup`).

The platform server holds Airflow's metadata and the ledger. On the storage server we have a maintenance database only,
from which tenants' databases are created.
"""

import psycopg

from installation.database_setup import OwnedDatabase, airflow, ensure, ledger, storage
from sandbox.postgres import PostgresServer
from sandbox.problems import SandboxError
from sandbox.secrets import Secrets


def prepare_platform(server: PostgresServer, secrets: Secrets) -> None:
    _prepare(server, [airflow(secrets.airflow_database), ledger(secrets.ledger_database)])


def prepare_storage(server: PostgresServer, secrets: Secrets) -> None:
    _prepare(server, [storage(secrets.storage_admin)])


def _prepare(server: PostgresServer, owned: list[OwnedDatabase]) -> None:
    with _superuser(server) as connection:
        ensure(connection, owned)


def _superuser(server: PostgresServer) -> psycopg.Connection:
    try:
        return psycopg.connect(server.superuser_dsn(), autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise SandboxError(
            f"{server.name} does not let us in: {' '.join(str(error).split())} If secrets.json is not the one its "
            "data were made with, restore that, or start from nothing with `python -m sandbox down --purge`."
        ) from error
