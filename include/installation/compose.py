"""The one service of docker-compose.yaml that prepares the others: roles, databases, migrations, users, connections.

Runs to its end at each `docker compose up`, before anything of Airflow starts. Safe to run again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import psycopg
import yaml

from installation import database_setup, ledger_tables
from installation.contents import ROLE_OF_USER, Address, Passwords, ServiceAddresses, metadata_contents
from installation.database_setup import OwnedDatabase
from installation.role_names import LEDGER
from installation.secret_files import read

SECRETS: Final = Path("/run/secrets")
KUBECONFIG: Final = Path("/cluster/kubeconfig")
"""k3s writes it for its own machine. Other containers connect by the name of its service."""
CLUSTER_URL: Final = "https://k3s:6443"
METADATA: Final = Address("postgres-metadata", 5432)
STORAGE_HOST: Final = "10.89.77.10"
"""By address: the tenants' pods reach it too, and know no name of a service of compose."""
PLACES: Final = ServiceAddresses(
    ledger=Address("postgres-ledger", 5432),
    storage=Address(STORAGE_HOST, 5432),
    api=Address("api-server", 8080),
    cluster={},
)


@dataclass(frozen=True)
class Installation:
    """What the service finds where it runs; tests put it elsewhere."""

    secrets: Path = SECRETS
    metadata: Address = METADATA
    places: ServiceAddresses = PLACES
    kubeconfig: Path = KUBECONFIG
    cluster_url: str = CLUSTER_URL


def install(here: Installation) -> None:
    """Bring everything to the state this version needs. Airflow's environment is this process's."""

    def secret(name: str) -> str:
        return read(here.secrets, name)

    servers: list[tuple[Address, str, OwnedDatabase]] = [
        (here.metadata, "metadata_superuser", database_setup.airflow(secret("airflow_database"))),
        (here.places.ledger, "ledger_superuser", database_setup.ledger(secret("ledger_database"))),
        (here.places.storage, "storage_superuser", database_setup.storage(secret("storage_admin"))),
    ]
    for address, superuser, owned in servers:
        with psycopg.connect(_dsn(address, "postgres", secret(superuser)), autocommit=True) as session:
            database_setup.ensure(session, [owned])
    ledger_tables.prepare(_dsn(here.places.ledger, "postgres", secret("ledger_superuser"), database=LEDGER))
    _write_metadata(here, secret("ledger_database"), secret("storage_admin"), secret("credential_key"))


def _write_metadata(here: Installation, ledger: str, storage_admin: str, credential_key: str) -> None:
    from installation.metadata import write  # Airflow asks for its database when it is imported

    users = {name: read(here.secrets, f"user_{name}") for name in ROLE_OF_USER}
    places = replace(here.places, cluster={"kube_config": kube_config(here.kubeconfig.read_text(), here.cluster_url)})
    write(metadata_contents(places, Passwords(ledger, storage_admin, credential_key, users)))


def kube_config(text: str, url: str) -> Mapping[str, Any]:
    """k3s's own kubeconfig, adapted for other containers."""
    config: dict[str, Any] = yaml.safe_load(text)
    for each in config["clusters"]:
        each["cluster"]["server"] = url
    return config


def _dsn(address: Address, user: str, password: str, *, database: str = "") -> str:
    """The database has the user's name, unless it is named."""
    return psycopg.conninfo.make_conninfo(
        host=address.host, port=address.port, user=user, dbname=database or user, password=password, connect_timeout=10
    )
