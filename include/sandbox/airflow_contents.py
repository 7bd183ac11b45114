"""What Airflow's metadata database holds before the first tenant: users, connections, pools.

Values only. `airflow_init` writes them, in a process that may import Airflow; this module may not, so that the
command line stays quick. Roles are Tenancy's own (`tenancy.airflow_settings`), only handed through.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from sandbox import database_names as names
from sandbox.layout import Layout
from sandbox.ports import HOST
from sandbox.secrets import CREDENTIAL_KEY_ID, Secrets
from tenancy.airflow_settings import ENGINEER, OPERATOR, ROLES, SERVICE, VIEWER

SERVICE_USER: Final = "tenancy-service"
ROLE_OF_USER: Final[Mapping[str, str]] = {
    "viewer": VIEWER,
    "operator": OPERATOR,
    "engineer": ENGINEER,
    SERVICE_USER: SERVICE,
}
REGIONS: Final = ("eu", "us")
POOL_SLOTS: Final[Mapping[str, int]] = {"tenants_starter": 8, "tenants_business": 16}


def contents(layout: Layout, ports: Mapping[str, int], secrets: Secrets) -> dict[str, Any]:
    """As plain values, so that `prepared` can hash them. They hold passwords."""
    return {
        "roles": ROLES,
        "users": [{"name": name, "role": role, "password": secrets.users[name]} for name, role in ROLE_OF_USER.items()],
        "connections": [*_connections(ports, secrets), *_clusters(layout)],
        "pools": dict(POOL_SLOTS),
    }


def _connections(ports: Mapping[str, int], secrets: Secrets) -> list[dict[str, Any]]:
    storage = {
        "conn_type": "postgres",
        "host": HOST,
        "port": ports["storage"],
        "login": names.STORAGE_ADMIN,
        "password": secrets.storage_admin,
        "schema": names.STORAGE_ADMIN,
    }
    return [
        {
            "conn_id": "tenancy_ledger",
            "conn_type": "postgres",
            "host": HOST,
            "port": ports["platform"],
            "login": names.LEDGER,
            "password": secrets.ledger_database,
            "schema": names.LEDGER,
        },
        *({"conn_id": f"tenancy_storage_{region}", **storage} for region in REGIONS),
        {
            "conn_id": "tenancy_airflow_api",
            "conn_type": "http",
            "host": HOST,
            "port": ports["api"],
            "schema": "http",
            "login": SERVICE_USER,
            "password": secrets.users[SERVICE_USER],
        },
        {
            "conn_id": "tenancy_credentials",
            "conn_type": "generic",
            "login": CREDENTIAL_KEY_ID,
            "password": secrets.credential_key_hex,
        },
    ]


def _clusters(layout: Layout) -> list[dict[str, Any]]:
    """Both regions are the one embedded cluster. By path: the file follows the cluster to another port."""
    extra = json.dumps({"kube_config_path": str(layout.kubeconfig)})
    return [{"conn_id": f"tenancy_cluster_{region}", "conn_type": "kubernetes", "extra": extra} for region in REGIONS]
