"""A product: what a tenant is an instance of. Values only: adapters/product_file.py reads them from `product.toml`.

All paths are absolute and inside the product's folder. Nothing here is needed to undo a tenant: unwinding reads what
the ledger recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tenancy.saga.names import ActivityName
from tenancy.saga.product_parameters import Parameter
from tenancy.saga.recorded_values import RecordedValue


@dataclass(frozen=True)
class ContainerSpec:
    """A container activity, as a product's file describes it: an image that is run as a Kubernetes Job."""

    name: ActivityName
    image: str
    label: str
    resource: str
    """The kind of the one resource that it makes."""
    product: str = field(compare=False)
    """For messages. Two products may have the same activity."""
    requires: tuple[ActivityName, ...] = ()
    timeout_minutes: float = 5
    connections: tuple[str, ...] = ()
    """Kinds of system: its Jobs get the region's Airflow connection to each as files (saga/connections.py)."""
    outputs: tuple[tuple[str, RecordedValue], ...] = ()
    """Name -> example of what `run` returns."""
    cpu: str = "250m"
    memory: str = "256Mi"
    stuck_advice: str = ""
    manual_removal: str = ""


@dataclass(frozen=True)
class OciChart:
    """A Helm chart in an OCI registry."""

    reference: str
    """Such as `oci://registry.example/charts/crm`."""
    version: str
    digest: str
    """Of its manifest: `sha256:` and 64 hexadecimal digits. Only this chart is ever installed."""
    connection: str = ""
    """The id of the Airflow connection with user and password; empty where the registry asks for none."""


@dataclass(frozen=True)
class ExtraQuota:
    """What the namespace's quota has besides the plan's replicas: for pods that no plan counts. Quantities are
    Kubernetes' own."""

    pods: int = 0
    cpu: str = "0"
    memory: str = "0"


PROVISIONING_DAG: Final = "tenant_provisioning"
"""The DAG of the default product (products.py has those of the others), and of all attempts that recorded no DAG."""


@dataclass(frozen=True)
class MigrationJob:
    """An image that migrates a tenant's database: it is run as a Job in the tenant's namespace."""

    image: str
    version: str
    """The version of the schema that it leads to."""
    command: tuple[str, ...] = ()
    """The container's command; empty: the image's own."""
    timeout_minutes: float = 4


@dataclass(frozen=True)
class Product:
    """One product, as its folder describes it."""

    name: str
    version: str
    folder: Path
    activities: tuple[ActivityName, ...]
    """In order: those of an attempt that starts now."""
    chart: Path | OciChart | None = None
    """The Helm chart: a folder, or in a registry."""
    values: Path | None = None
    """The template of the chart's values."""
    migrations: Path | None = None
    """The folder of the migrations."""
    migration_job: MigrationJob | None = None
    """The migrations, where they are an image and not a folder."""
    admin_account: Path | None = None
    """The folder of the statements about the tenant-admin account."""
    plans: tuple[str, ...] = ()
    """The platform's plans that it offers; empty: all."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of each tenant's namespace."""
    quota: ExtraQuota = ExtraQuota()
    """Room in each tenant's namespace for workloads besides the one that has the plan's replicas."""
    containers: tuple[ContainerSpec, ...] = ()
    """Its container activities, listed in `activities` or not any more."""
    parameters: tuple[Parameter, ...] = ()
    """What a request may have besides its fixed fields, in the order in which forms show it."""
