"""What the three products of the deck `products` need around a sandbox: their folder, the example package, real servers
of S3 and DNS, and a platform file with connections to them."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sandbox.airflow_env import AirflowOptions
from sandbox.layout import PROJECT, Layout
from tenancy.saga.connections import Connection
from tests.chaos.addresses import AttackAddresses
from tests.dns_servers import DnsServer, dns_server
from tests.example_packages import install_s3_bucket
from tests.s3_servers import S3, s3_server

_REGIONS = ("eu-central", "us-east")
_CONNECTIONS = 'object_store = "tenancy_objects"\ndns = "tenancy_dns"\n'
FOLDERS = (
    PROJECT / "products" / "sample",
    PROJECT / "examples" / "products" / "forum",
    PROJECT / "examples" / "products" / "edge",
)


@dataclass(frozen=True)
class ProductSystems:
    """The servers, and the folder with all that the sandbox reads."""

    folder: Path
    s3: S3
    dns: DnsServer

    def options(self, usual: AirflowOptions, layout: Layout) -> AirflowOptions:
        """Those of a sandbox that has the three products."""
        changes = {
            "PYTHONPATH": f"{layout.include}:{self.folder / 'package' / 'installed'}",
            "TENANCY_PLATFORM_FILE": str(self.folder / "platform.toml"),
            "TENANCY_PRODUCTS": str(self.folder / "products"),
            "TENANCY_PRODUCT": "sample",
        }
        return replace(usual, extra_env={**usual.extra_env, **changes})

    def connect(self, addresses: AttackAddresses) -> None:
        """Make the connections in Airflow; those of an earlier campaign lead to servers that are gone."""
        with addresses.api_as("engineer") as client:
            for connection in (self.s3.connection, self.dns.connection()):
                client.delete(f"/api/v2/connections/{connection.id}")
                client.post("/api/v2/connections", json=_as_airflow_has_it(connection)).raise_for_status()

    def beside(self, addresses: AttackAddresses) -> AttackAddresses:
        """The addresses, with a look into both servers."""
        return replace(addresses, buckets=lambda: self.s3.names, dns_names=self.dns.records)


@contextmanager
def product_systems(folder: Path, layout: Layout) -> Iterator[ProductSystems]:
    """The servers run as long as the `with`. The folder is empty before."""
    for name in ("package", "products", "s3", "dns"):
        (folder / name).mkdir(parents=True)
    install_s3_bucket(folder / "package")
    for product in FOLDERS:
        (folder / "products" / product.name).symlink_to(product)
    (folder / "platform.toml").write_text(_platform_file(layout))
    with s3_server(folder / "s3") as s3, dns_server(folder / "dns") as dns:
        yield ProductSystems(folder, s3, dns)


def _platform_file(layout: Layout) -> str:
    connections = (
        f'[regions.{region}.connections]\nobject_store = "tenancy_objects"\ndns = "tenancy_dns"\n'
        for region in _REGIONS
    )
    return "\n".join([layout.platform_file.read_text(encoding="utf-8"), *connections])


def _as_airflow_has_it(connection: Connection) -> dict[str, Any]:
    stated = {
        "host": connection.host,
        "port": connection.port,
        "login": connection.login,
        "password": connection.password,
        "schema": connection.schema,
    }
    return {
        "connection_id": connection.id,
        "conn_type": "generic",
        "extra": json.dumps(dict(connection.extra)),
        **{name: value for name, value in stated.items() if value},
    }
