"""How this platform's systems are checked: the adapters of engine/health/health_checks.py with the real connections.

Called by shared_parts.py for the console. What is read of Airflow's connections is kept for as long as the probes are.
"""

from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeVar

from tenancy import bootstrap
from tenancy.activities.expected_handles import LABEL
from tenancy.adapters import (
    cluster_access,  # noqa: F401 - heavy: loaded here, before a look is timed
    cluster_health,
    engine_health,
    ingress_health,
    server_health,
    storage_health,
)
from tenancy.adapters.airflow_api import AirflowApi
from tenancy.adapters.dsn import Dsn
from tenancy.engine.engine_report import all_dags
from tenancy.engine.health.engine_verdicts import WRITTEN
from tenancy.engine.health.health_checks import LedgerStatus, Probes
from tenancy.engine.recorded_engine import expected_engine
from tenancy.ledger.heartbeats import load_heartbeats
from tenancy.ledger.ledger import Ledger
from tenancy.saga.errors import TenancyError
from tenancy.saga.names import proof_of
from tenancy.saga.platform import Platform, Region
from tenancy.saga.products import Products, provisioning_dags

if TYPE_CHECKING:
    from collections.abc import Callable

    from kubernetes.client import Configuration

    from tenancy.adapters.airflow_client import AirflowClient
    from tenancy.adapters.ingress_health import IngressStatus


_Result = TypeVar("_Result")


def probes() -> Probes:
    """With the platform file and the connections as they are now."""
    storage = lru_cache(bootstrap.storage_dsn)
    ledger = lru_cache(bootstrap.ledger_dsn)
    cluster = lru_cache(_cluster_access)
    own = bootstrap.engine_dsn()
    platform, products = bootstrap.platform(), bootstrap.products()

    return Probes(
        platform=platform,
        products=products,
        ledger=lambda: check_ledger(ledger()),
        heartbeats=lambda: _of_engine(engine_health.load_component_heartbeats),
        work=lambda: _of_engine(
            partial(check_work, recorded=recorded_engine(ledger()), platform=platform, products=products)
        ),
        storage=lambda region: storage_health.check_storage(storage(region), proof_of(platform.name, "")),
        cluster=lambda region: cluster_health.check_cluster(cluster(region), f"the cluster of region {region.name}"),
        ingress=check_ingress_of,
        engine_database=partial(server_health.check_write_locks, own, WRITTEN) if own else None,
    )


@lru_cache(maxsize=1)
def _engine() -> "AirflowClient":
    return bootstrap.engine_client(engine_health.CHECK_SECONDS)


def _of_engine(look: "Callable[[AirflowClient], _Result]") -> _Result:
    """By one client, which logs in once and is kept until it is refused."""
    try:
        return look(_engine())
    except TenancyError:
        _engine.cache_clear()  # its address or password may be another one now
        raise


def check_work(
    client: "AirflowClient", recorded: str, platform: Platform, products: Products
) -> engine_health.EngineWork:
    """The work of the recorded engine. OtherSystemError if another one answers."""
    if recorded:
        expected_engine(recorded, platform).require(AirflowApi(client).identity(), LABEL)
    return engine_health.load_work(client, all_dags(products), provisioning_dags(products))


def recorded_engine(dsn: Dsn) -> str:
    """The identity of the engine that has the tenants' runs; empty if the ledger cannot be read, which has a check of
    its own."""
    try:
        with Ledger(server_health.with_connect_timeout(dsn)).open("tenancy health") as ledger:
            return ledger.recorded_engine().system
    except TenancyError:
        return ""


def check_ledger(dsn: Dsn) -> LedgerStatus:
    """The ledger's server and its content."""
    server = server_health.check_server(dsn)
    with Ledger(server_health.with_connect_timeout(dsn)).open("tenancy health") as ledger:
        return LedgerStatus(
            server, tuple(load_heartbeats(ledger)), ledger.usage_by_region_and_plan(), ledger.can_rewrite_facts()
        )


def check_ingress_of(region: Region) -> "IngressStatus":
    """Its controller's answer to a host that no tenant has."""
    return ingress_health.check_ingress(
        region.ingress_domain, bootstrap.ingress_port(), f"The ingress of region {region.name}"
    )


def _cluster_access(region: Region) -> "Configuration":
    return bootstrap.cluster_access(region.cluster_connection)
