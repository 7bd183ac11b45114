"""Builds the real parts: the only reader of Airflow connections and of the platform file.

Called by what Airflow calls (operators, callbacks, the console), never at import.
"""

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenancy.activities.packages import ANY_NAME, UnusableActivity
from tenancy.activities.plan import plan_problems
from tenancy.activities.registry import install_containers, installed, unusable
from tenancy.adapters.platform_file import parse_platform
from tenancy.adapters.product_folder import ProductFolder
from tenancy.saga.causes import Cause
from tenancy.saga.connections import Connection
from tenancy.saga.credentials import Keyring
from tenancy.saga.errors import PlatformError, PlatformFileError, TenancyError
from tenancy.saga.platform import Platform, Region
from tenancy.saga.products import Products
from tenancy.saga.tenant import Parameters, Saga

if TYPE_CHECKING:
    from kubernetes.client import Configuration

    from tenancy.adapters.airflow_api import AirflowApi
    from tenancy.adapters.airflow_client import AirflowClient
    from tenancy.adapters.airflow_runs import AirflowRuns
    from tenancy.adapters.cluster import Cluster
    from tenancy.adapters.dsn import Dsn
    from tenancy.engine.tenancy import Tenancy

PLATFORM_FILE = "TENANCY_PLATFORM_FILE"
PRODUCTS = "TENANCY_PRODUCTS"
"""The folder of products, each a folder in it; without it `products` beside `include`, where a checkout has it."""
DEFAULT_PRODUCT = "TENANCY_PRODUCT"
"""The default product, when there are several."""
LEDGER_CONNECTION = "tenancy_ledger"
AIRFLOW_CONNECTION = "tenancy_airflow_api"
CREDENTIALS_CONNECTION = "tenancy_credentials"
NOTIFY_CONNECTIONS = {
    "slack": "tenancy_notify_slack",
    "smtp": "tenancy_notify_smtp",
    "webhook": "tenancy_notify_webhook",
}
"""Channel -> the connection that makes it one (docs/operating/notifications.md)."""
INGRESS_PORT = "TENANCY_INGRESS_PORT"
"""The port that serves tenants' pages, if it is not 80."""


def platform() -> Platform:
    """The platform file that the environment names. PlatformFileError lists its mistakes."""
    install_container_activities()
    path = os.environ.get(PLATFORM_FILE)
    if not path:
        raise PlatformFileError(f"No platform file: set {PLATFORM_FILE} in every Airflow process.")
    try:
        parsed = parse_platform(tomllib.loads(Path(path).read_text()), _limited_activities())
        return replace(parsed, source=path)
    except OSError as error:
        raise PlatformFileError(f"The platform file {path} cannot be read: {error.strerror}.") from error
    except tomllib.TOMLDecodeError as error:
        raise PlatformFileError(f"The platform file {path} is not TOML: {error}.") from error


def _limited_activities() -> list[str] | None:
    """The activities that may have a time limit; None while some cannot be used, because a product or a package is
    broken: its limits are no mistake of the platform file, and must not stop the other products."""
    return None if unusable() else [activity.name for activity in installed()]


def products() -> Products:
    """All products in the folder that the environment names. Nothing is read before it is used."""
    return _product_folder()


def _product_folder() -> ProductFolder:
    home = Path(os.environ.get(PRODUCTS) or Path(__file__).parents[2] / "products")
    return ProductFolder(home, os.environ.get(DEFAULT_PRODUCT) or "", plan_problems)


def install_container_activities() -> None:
    """Have the container activities of all products, as their files are now. A file that is wrong stops nobody: what
    needs its activities says why they are missing."""
    specs, problems = _product_folder().containers()
    sentences = (f"is not installed, and a product's file is wrong: {problem}" for problem in problems)
    install_containers(specs, [UnusableActivity(ANY_NAME, sentence) for sentence in sentences])


def tenant_url(offered: Platform, parameters: Parameters) -> str:
    """The URL of an Active tenant; empty when the platform file has lost its region."""
    region = offered.regions.get(parameters.region)
    port = os.environ.get(INGRESS_PORT)
    return f"http://{parameters.slug}.{region.ingress_domain}{f':{port}' if port else ''}" if region else ""


def tenant_url_of(offered: Platform, saga: Saga) -> str:
    """The tenant's URL; empty also while nothing of the tenant exists."""
    return tenant_url(offered, saga.parameters) if saga.live_resources else ""


def tenancy() -> "Tenancy":
    """The parts of this platform, for one task or request.

    A client reads its connection once, because each reading takes Airflow's api-server 12 ms.
    """
    from tenancy.activities.context import SystemClients  # heavy clients stay out of DAG parsing
    from tenancy.adapters.storage import StorageServer
    from tenancy.engine.tenancy import Tenancy
    from tenancy.ledger.ledger import Ledger

    dsn_of = lru_cache(storage_dsn)

    def storage(region: Region) -> StorageServer:
        return StorageServer(dsn_of(region))

    return Tenancy(
        ledger=Ledger(ledger_dsn()),
        platform=platform(),
        keyring=_keyring(),
        clients=SystemClients(
            storage=storage,
            handles=lru_cache(_airflow_api),
            cluster=lru_cache(_cluster),
            connection=lru_cache(connection_values),
        ),
        runs=_airflow_runs,
        products=products(),
    )


def connection_values(conn_id: str) -> Connection:
    """An Airflow connection's values, for an activity that enters its system by itself."""
    found = _connection(conn_id)
    with _usable(conn_id):
        return Connection(
            conn_id,
            host=found.host or "",
            port=found.port,
            login=found.login or "",
            password=found.password or "",
            schema=found.schema or "",
            extra=found.extra_dejson,
        )


def ledger_dsn() -> "Dsn":
    """Where the ledger is."""
    return replace(_dsn(LEDGER_CONNECTION, "the ledger"), is_ledger=True)


def storage_dsn(region: Region) -> "Dsn":
    """Where a region's storage is."""
    return _dsn(region.storage_connection, f"the storage of region {region.name}")


def engine_dsn() -> "Dsn | None":
    """The workflow engine's own database. None in a task, which does not know it, and if it is not PostgreSQL."""
    from airflow.configuration import conf

    from tenancy.adapters.sqlalchemy_url import dsn_of_url

    return dsn_of_url(conf.get("database", "sql_alchemy_conn", fallback=""), "the workflow engine's database")


def ingress_port() -> int:
    """The port that serves tenants' pages. PlatformFileError when the environment has no number."""
    value = os.environ.get(INGRESS_PORT) or "80"
    if not value.isdecimal():
        raise PlatformFileError(f"{INGRESS_PORT} is {value!r}, which is no port: set a number, or leave it out.")
    return int(value)


def notify_connections() -> dict[str, Any]:
    """Channel -> its Airflow connection, or the error when that cannot be used. Only existing connections."""
    found = {channel: _optional(conn_id) for channel, conn_id in NOTIFY_CONNECTIONS.items()}
    return {channel: connection for channel, connection in found.items() if connection is not None}


def _optional(conn_id: str) -> Any:
    try:
        return _connection(conn_id)
    except ConnectionNotFoundError:
        _connection(LEDGER_CONNECTION)  # Airflow does answer
    except PlatformError as error:
        return error
    with suppress(ConnectionNotFoundError):  # Airflow answers, so a second "not defined" is true
        return _connection(conn_id)
    return None


def console_url(path: str) -> str:
    """The URL of this page of the console."""
    from airflow.sdk.configuration import conf

    return str(conf.get("api", "base_url", fallback="")).rstrip("/") + path


class ConnectionNotFoundError(PlatformError):
    """Airflow 3.3.2 reports a connection as not defined also when its api-server does not respond."""

    cause = Cause.PLATFORM_CONNECTION


def _connection(conn_id: str) -> Any:
    from airflow.sdk import BaseHook
    from airflow.sdk.exceptions import AirflowNotFoundException

    with _usable(conn_id):
        try:
            return BaseHook.get_connection(conn_id)
        except AirflowNotFoundException as error:
            raise ConnectionNotFoundError(
                f"The Airflow connection {conn_id} cannot be read: it is not there, or Airflow's api-server does not "
                f"respond ({error})."
            ) from error


@contextmanager
def _usable(conn_id: str, *, secret: bool = False) -> Iterator[None]:
    """Turns every error about a connection's contents into a PlatformError that names it; `secret`: without details."""
    try:
        yield
    except TenancyError:
        raise
    except Exception as error:  # noqa: BLE001 - Airflow's, a library's or a kubeconfig's program's: any
        reason = type(error).__name__ if secret else str(error) or type(error).__name__
        raise PlatformError(
            f"The Airflow connection {conn_id} cannot be used: {reason}", cause=Cause.PLATFORM_CONNECTION
        ) from (None if secret else error)


def _field(conn_id: str, connection: Any, name: str) -> str:
    """A required field of a connection."""
    value = getattr(connection, name)
    if not value:
        raise PlatformError(
            f"The Airflow connection {conn_id} has no {name}: fill it in.", cause=Cause.PLATFORM_CONNECTION
        )
    return str(value)


def _dsn(conn_id: str, label: str) -> "Dsn":
    from tenancy.adapters.connection_extra import dsn_of_connection

    connection = _connection(conn_id)
    with _usable(conn_id):
        return dsn_of_connection(
            conn_id,
            label,
            host=connection.host,
            port=connection.port,
            dbname=connection.schema,
            user=connection.login,
            password=connection.password,
            extra=connection.extra_dejson,
        )


def _keyring() -> Keyring:
    connection = _connection(CREDENTIALS_CONNECTION)
    current = _field(CREDENTIALS_CONNECTION, connection, "login")
    with _usable(CREDENTIALS_CONNECTION, secret=True):
        hexadecimal = {**connection.extra_dejson, current: connection.password}
        return Keyring(current, {kid: bytes.fromhex(key) for kid, key in hexadecimal.items()})


def _airflow_api() -> "AirflowApi":
    from tenancy.adapters.airflow_api import AirflowApi

    return AirflowApi(_airflow_client())


def _airflow_runs() -> "AirflowRuns":
    from tenancy.adapters.airflow_runs import AirflowRuns

    return AirflowRuns(_airflow_client())


def _airflow_client(**bounds: float) -> "AirflowClient":
    from tenancy.adapters.airflow_client import AirflowClient, shared_token

    connection = _connection(AIRFLOW_CONNECTION)
    host = _field(AIRFLOW_CONNECTION, connection, "host")
    port = f":{connection.port}" if connection.port else ""
    url = f"{connection.schema or 'http'}://{f'[{host}]' if ':' in host else host}{port}"
    user, password = _field(AIRFLOW_CONNECTION, connection, "login"), connection.password or ""
    return AirflowClient(url, user=user, password=password, token=shared_token(url, user, password), **bounds)


def engine_client(read_seconds: float) -> "AirflowClient":
    """The workflow engine's REST API, with this time-out."""
    return _airflow_client(read_seconds=read_seconds)


def _cluster(region: Region) -> "Cluster":
    from tenancy.adapters.cluster import open_cluster

    conn_id = region.cluster_connection
    return open_cluster(cluster_access(conn_id), f"the cluster of region {region.name}", connection=conn_id)


def cluster_access(conn_id: str) -> "Configuration":
    """How the cluster that the connection names is entered, for the client, the watches and Helm alike."""
    from tenancy.adapters.cluster_access import configuration

    connection = _connection(conn_id)
    with _usable(conn_id):
        return configuration(connection.extra_dejson)
