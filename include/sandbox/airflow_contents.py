"""What the sandbox's Airflow contains before the first tenant: the same as in every installation.

Values only; `airflow_init` writes them.
"""

from collections.abc import Mapping
from typing import Any

from installation import contents as installed
from installation.contents import ROLE_OF_USER, SERVICE_USER, Address, Passwords, ServiceAddresses
from sandbox.layout import Layout
from sandbox.ports import HOST
from sandbox.secrets import Secrets

__all__ = ["ROLE_OF_USER", "SERVICE_USER", "contents"]


def contents(layout: Layout, ports: Mapping[str, int], secrets: Secrets) -> dict[str, Any]:
    """As plain values, so that `preparation_record` can hash them. They contain passwords."""
    places = ServiceAddresses(
        ledger=Address(HOST, ports["platform"]),
        storage=Address(HOST, ports["storage"]),
        api=Address(HOST, ports["api"]),
        # Both regions are the one embedded cluster. By path: the file follows the cluster to another port.
        cluster={"kube_config_path": str(layout.kubeconfig)},
    )
    passwords = Passwords(secrets.ledger_database, secrets.storage_admin, secrets.credential_key_hex, secrets.users)
    return installed.metadata_contents(places, passwords)
