"""The two PostgreSQL servers of a sandbox: `platform` for Airflow and the ledger, `storage` for tenants.

There are two, so that tenants' storage can fail alone.
"""

from collections.abc import Mapping
from typing import Final

from sandbox.layout import Layout
from sandbox.postgres import PostgresServer
from sandbox.secrets import Secrets

PLATFORM: Final = "platform"
STORAGE: Final = "storage"
NAMES: Final = (PLATFORM, STORAGE)


def process_name(server: str) -> str:
    return f"postgres-{server}"


def server(name: str, layout: Layout, ports: Mapping[str, int], secrets: Secrets) -> PostgresServer:
    passwords = {PLATFORM: secrets.platform_superuser, STORAGE: secrets.storage_superuser}
    return PostgresServer(
        name=process_name(name),
        directory=layout.postgres(name),
        port=ports[name],
        log=layout.log_of(process_name(name)),
        superuser_password=passwords[name],
    )
