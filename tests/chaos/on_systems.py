"""Attacks on what outside systems answer: a router, a proxy, another system, no writes, silence, an older worker.

Each lasts as long as the draw says; then the scene mends it.
"""

import signal
import time
from collections.abc import Callable
from typing import Any

from kubernetes.client import AppsV1Api
from kubernetes.config import new_client_from_config

from sandbox import processes
from sandbox.processes import Register
from tests.chaos import moments
from tests.chaos.draw import Attack
from tests.chaos.moments import Hold
from tests.chaos.on_compensations import STORAGE_ROLE
from tests.chaos.places import rows
from tests.chaos.scene import Missed, Scene

_STORAGE_CONNECTIONS = ("tenancy_storage_eu", "tenancy_storage_us")
_START_SECONDS = 60
_NEWER = "9999"
"""A revision of the ledger that no code of today knows."""


def cluster(kind: str, **options: Any) -> Callable[[Scene, Hold, Attack], None]:
    """The cluster has this fault, for everybody."""

    def answer(scene: Scene, hold: Hold, attack: Attack) -> None:
        made = moments.set_fault(scene, kind, everywhere=True, **options)
        scene.later(attack.lasts, lambda: moments.clear_fault(scene, made))

    return answer


def storage_takes_no_writes(scene: Scene, hold: Hold, attack: Attack) -> None:
    """As after a fail-over: the sessions end, and new ones are read-only."""
    dsn = scene.places.storage
    rows(dsn, f"alter role {STORAGE_ROLE} set default_transaction_read_only = on")
    scene.later(attack.lasts, lambda: rows(dsn, f"alter role {STORAGE_ROLE} reset default_transaction_read_only"))
    rows(dsn, "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", STORAGE_ROLE)


def storage_is_silent(scene: Scene, hold: Hold, attack: Attack) -> None:
    """All its processes are stopped: it takes connections and answers nothing."""
    server = Register(scene.access.layout.processes).get("postgres-storage")
    if server is None or not server.alive:
        raise Missed("postgres-storage does not run")
    processes.send_signal(server, signal.SIGSTOP)
    scene.later(attack.lasts, lambda: processes.send_signal(server, signal.SIGCONT))
    scene.later(attack.lasts + 1, scene.heal)


def another_storage(scene: Scene, hold: Hold, attack: Attack) -> None:
    """The regions' connections lead to the platform's server, where a role of the same name has nothing."""
    _make_admin(scene)
    right, wrong = scene.access.ports["storage"], scene.access.ports["platform"]
    _point_storage_at(scene, wrong)
    scene.later(attack.lasts, lambda: _point_storage_at(scene, right))


def _make_admin(scene: Scene) -> None:
    platform = scene.places.airflow
    if not rows(platform, "select 1 as found from pg_roles where rolname = %s", STORAGE_ROLE):
        (password,) = rows(scene.places.storage, "select rolpassword from pg_authid where rolname = %s", STORAGE_ROLE)
        rows(platform, f"create role {STORAGE_ROLE} login createdb createrole password '{password['rolpassword']}'")
    if not rows(platform, "select 1 as found from pg_database where datname = %s", STORAGE_ROLE):
        rows(platform, f"create database {STORAGE_ROLE} owner {STORAGE_ROLE}")


def _point_storage_at(scene: Scene, port: int) -> None:
    with scene.places.api_as("engineer", timeout=15) as client:
        for connection in _STORAGE_CONNECTIONS:
            body = {"connection_id": connection, "conn_type": "postgres", "port": port}
            path = f"/api/v2/connections/{connection}"
            client.patch(path, params={"update_mask": ["port"]}, json=body).raise_for_status()


def scale_to_zero(scene: Scene, hold: Hold, attack: Attack) -> None:
    """By somebody else, such as an autoscaler; they scale it back."""
    with new_client_from_config(scene.places.kubeconfig) as client:
        api = AppsV1Api(client)
        found = api.list_deployment_for_all_namespaces().items
        mine = [each for each in found if each.metadata.namespace.startswith(f"{scene.slug}-")]
        if not mine:
            raise Missed("it has no deployment")
        for each in mine:
            _scale(api, each.metadata, 0)
    scene.later(attack.lasts, lambda: _scale_all(scene, mine))


def _scale_all(scene: Scene, deployments: list[Any]) -> None:
    """Back to what they had, until their pods are ready: a tenant that is Active stays so while they start."""
    with new_client_from_config(scene.places.kubeconfig) as client:
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
    """Or gone."""
    found = api.list_namespaced_deployment(metadata.namespace, field_selector=f"metadata.name={metadata.name}").items
    return all(each.status.ready_replicas == each.spec.replicas for each in found)


def _scale(api: AppsV1Api, metadata: Any, replicas: int) -> None:
    body = {"spec": {"replicas": replicas}}
    api.patch_namespaced_deployment_scale(metadata.name, metadata.namespace, body, field_manager="autoscaler")


def older_worker(scene: Scene, hold: Hold, attack: Attack) -> None:
    """The ledger was upgraded first: what runs now is older than it, until it is upgraded too."""
    (now,) = rows(scene.places.ledger, "select version_num from ledger.alembic_version")
    scene.later(attack.lasts, lambda: _set_version(scene, now["version_num"]))
    _set_version(scene, _NEWER)


def _set_version(scene: Scene, version: str) -> None:
    rows(scene.places.ledger, "update ledger.alembic_version set version_num = %s", version)
