"""Attacks on the responses of outside systems: a router, a proxy, another system, no writes, silence, an older worker.

Each lasts as long as the trial states; then the trial context repairs it.
"""

import signal
import time
from collections.abc import Callable
from typing import Any

from kubernetes.client import AppsV1Api
from kubernetes.config import new_client_from_config

from sandbox import processes
from sandbox.processes import Register
from tests.chaos import injection_points
from tests.chaos.addresses import rows
from tests.chaos.compensation_attacks import STORAGE_ROLE
from tests.chaos.injection_points import Hold
from tests.chaos.trial_context import InjectionMissed, TrialContext
from tests.chaos.trial_generator import Attack

_STORAGE_CONNECTIONS = ("tenancy_storage_eu", "tenancy_storage_us")
_START_SECONDS = 60
_NEWER = "9999"
"""A revision of the ledger that no code of today knows."""


def cluster(kind: str, **options: Any) -> Callable[[TrialContext, Hold, Attack], None]:
    """The cluster has this fault for all tenants."""

    def answer(context: TrialContext, hold: Hold, attack: Attack) -> None:
        made = injection_points.set_fault(context, kind, everywhere=True, **options)
        context.run_later(attack.lasts, lambda: injection_points.clear_fault(context, made))

    return answer


def storage_takes_no_writes(context: TrialContext, hold: Hold, attack: Attack) -> None:
    """As after a fail-over: the sessions end, and new ones are read-only."""
    dsn = context.addresses.storage
    rows(dsn, f"alter role {STORAGE_ROLE} set default_transaction_read_only = on")
    context.run_later(attack.lasts, lambda: rows(dsn, f"alter role {STORAGE_ROLE} reset default_transaction_read_only"))
    rows(dsn, "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", STORAGE_ROLE)


def storage_is_silent(context: TrialContext, hold: Hold, attack: Attack) -> None:
    """All its processes are stopped: it accepts connections and does not respond."""
    server = Register(context.access.layout.processes).get("postgres-storage")
    if server is None or not server.alive:
        raise InjectionMissed("postgres-storage does not run")
    processes.send_signal(server, signal.SIGSTOP)
    context.run_later(attack.lasts, lambda: processes.send_signal(server, signal.SIGCONT))
    context.run_later(attack.lasts + 1, context.heal)


def another_storage(context: TrialContext, hold: Hold, attack: Attack) -> None:
    """The regions' connections lead to the platform's server, where a role of the same name has nothing."""
    _make_admin(context)
    right, wrong = context.access.ports["storage"], context.access.ports["platform"]
    _point_storage_at(context, wrong)
    context.run_later(attack.lasts, lambda: _point_storage_at(context, right))


def _make_admin(context: TrialContext) -> None:
    platform = context.addresses.airflow
    if not rows(platform, "select 1 as found from pg_roles where rolname = %s", STORAGE_ROLE):
        (password,) = rows(
            context.addresses.storage, "select rolpassword from pg_authid where rolname = %s", STORAGE_ROLE
        )
        rows(platform, f"create role {STORAGE_ROLE} login createdb createrole password '{password['rolpassword']}'")
    if not rows(platform, "select 1 as found from pg_database where datname = %s", STORAGE_ROLE):
        rows(platform, f"create database {STORAGE_ROLE} owner {STORAGE_ROLE}")


def _point_storage_at(context: TrialContext, port: int) -> None:
    with context.addresses.api_as("engineer", timeout=15) as client:
        for connection in _STORAGE_CONNECTIONS:
            body = {"connection_id": connection, "conn_type": "postgres", "port": port}
            path = f"/api/v2/connections/{connection}"
            client.patch(path, params={"update_mask": ["port"]}, json=body).raise_for_status()


def scale_to_zero(context: TrialContext, hold: Hold, attack: Attack) -> None:
    """Scaled by another client, such as an autoscaler, which scales it back later."""
    with new_client_from_config(context.addresses.kubeconfig) as client:
        api = AppsV1Api(client)
        found = api.list_deployment_for_all_namespaces().items
        mine = [each for each in found if each.metadata.namespace.startswith(f"{context.slug}-")]
        if not mine:
            raise InjectionMissed("it has no deployment")
        for each in mine:
            _scale(api, each.metadata, 0)
    context.run_later(attack.lasts, lambda: _scale_all(context, mine))


def _scale_all(context: TrialContext, deployments: list[Any]) -> None:
    """Back to what they had, until their pods are ready: a tenant that is Active stays so while they start."""
    with new_client_from_config(context.addresses.kubeconfig) as client:
        api = AppsV1Api(client)
        left = [each for each in deployments if _exists(api, each.metadata)]  # its tenant may be undone by now
        for each in left:
            _scale(api, each.metadata, each.spec.replicas)
        deadline = time.monotonic() + _START_SECONDS
        while not all(_is_ready(api, each.metadata) for each in left) and time.monotonic() < deadline:
            time.sleep(0.2)


def _exists(api: AppsV1Api, metadata: Any) -> bool:
    options = {"field_selector": f"metadata.name={metadata.name}"}
    return bool(api.list_namespaced_deployment(metadata.namespace, **options).items)


def _is_ready(api: AppsV1Api, metadata: Any) -> bool:
    """True also if it is gone."""
    found = api.list_namespaced_deployment(metadata.namespace, field_selector=f"metadata.name={metadata.name}").items
    return all(each.status.ready_replicas == each.spec.replicas for each in found)


def _scale(api: AppsV1Api, metadata: Any, replicas: int) -> None:
    body = {"spec": {"replicas": replicas}}
    api.patch_namespaced_deployment_scale(metadata.name, metadata.namespace, body, field_manager="autoscaler")


def older_worker(context: TrialContext, hold: Hold, attack: Attack) -> None:
    """The ledger was upgraded first: running processes are older than it."""
    (now,) = rows(context.addresses.ledger, "select version_num from ledger.alembic_version")
    context.run_later(attack.lasts, lambda: _set_version(context, now["version_num"]))
    _set_version(context, _NEWER)


def _set_version(context: TrialContext, version: str) -> None:
    rows(context.addresses.ledger, "update ledger.alembic_version set version_num = %s", version)
