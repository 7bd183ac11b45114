"""The content of Airflow's metadata database before the first tenant: users, connections, pools. Values only.

`metadata` writes them, in a process that may import Airflow. This module may not, so that command lines stay quick.
Roles are Tenancy's own (`tenancy.airflow_settings`), only passed on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from installation import role_names
from tenancy.airflow_settings import ENGINEER, OPERATOR, PERIODIC_TASK_POOL, ROLES, SERVICE, VIEWER

SERVICE_USER: Final = "tenancy-service"
ROLE_OF_USER: Final[Mapping[str, str]] = {
    "viewer": VIEWER,
    "operator": OPERATOR,
    "engineer": ENGINEER,
    SERVICE_USER: SERVICE,
}
REGIONS: Final = ("eu", "us")
"""As the platform files call their connections: `tenancy_storage_eu`, `tenancy_cluster_eu`."""
POOL_SLOTS: Final[Mapping[str, int]] = {"tenants_starter": 8, "tenants_business": 16, PERIODIC_TASK_POOL: 4}
CREDENTIAL_KEY_ID: Final = "k1"
CREDENTIALS: Final = "tenancy_credentials"
"""The connection with the keys that tenants' passwords are derived from."""


@dataclass(frozen=True)
class Address:
    """Where something listens."""

    host: str
    port: int


@dataclass(frozen=True)
class ServiceAddresses:
    """Where the parts are. `cluster` is the extra of a connection to Kubernetes (docs/architecture.md)."""

    ledger: Address
    storage: Address
    api: Address
    cluster: Mapping[str, Any]


@dataclass(frozen=True, repr=False)
class Passwords:
    """No `repr`: a secret must not reach a log or a test report by accident."""

    ledger: str
    storage_admin: str
    credential_key_hex: str
    users: Mapping[str, str]


def metadata_contents(places: ServiceAddresses, passwords: Passwords) -> dict[str, Any]:
    """As plain values. They include passwords."""
    users = [{"name": name, "role": role, "password": passwords.users[name]} for name, role in ROLE_OF_USER.items()]
    return {
        "roles": ROLES,
        "users": users,
        "connections": _connections(places, passwords),
        "pools": dict(POOL_SLOTS),
    }


def _connections(places: ServiceAddresses, passwords: Passwords) -> list[dict[str, Any]]:
    cluster = {"conn_type": "kubernetes", "extra": json.dumps(places.cluster)}
    storage = _postgres(places.storage, role_names.STORAGE_ADMIN, passwords.storage_admin)
    return [
        {"conn_id": "tenancy_ledger", **_postgres(places.ledger, role_names.LEDGER, passwords.ledger)},
        *({"conn_id": f"tenancy_storage_{region}", **storage} for region in REGIONS),
        {
            "conn_id": "tenancy_airflow_api",
            "conn_type": "http",
            "host": places.api.host,
            "port": places.api.port,
            "schema": "http",
            "login": SERVICE_USER,
            "password": passwords.users[SERVICE_USER],
        },
        {
            "conn_id": CREDENTIALS,
            "conn_type": "generic",
            "login": CREDENTIAL_KEY_ID,
            "password": passwords.credential_key_hex,
        },
        *({"conn_id": f"tenancy_cluster_{region}", **cluster} for region in REGIONS),
    ]


def _postgres(address: Address, name: str, password: str) -> dict[str, Any]:
    return {
        "conn_type": "postgres",
        "host": address.host,
        "port": address.port,
        "login": name,
        "password": password,
        "schema": name,
    }
