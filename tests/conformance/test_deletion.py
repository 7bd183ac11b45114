"""Deleting: finalizers, dependants, preconditions, collections."""

from typing import Any

import pytest
from kubernetes.client import ApiException, AppsV1Api, CoreV1Api

from .manifests import config_map, deployment, idle, pod
from .server import eventually


def gone(read: Any, *arguments: str) -> bool:
    try:
        read(*arguments)
    except ApiException as error:
        return bool(error.status == 404)
    return False


def owned_by(owner: Any, name: str) -> Any:
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": owner.metadata.name,
        "uid": owner.metadata.uid,
        "blockOwnerDeletion": True,
    }
    return config_map(name, ownerReferences=[reference])


def test_deleting_answers_with_success(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map())
    status = core.delete_namespaced_config_map("settings", namespace)
    assert (status.status, status.details.name, status.details.kind) == ("Success", "settings", "configmaps")
    assert gone(core.read_namespaced_config_map, "settings", namespace)


def test_deleting_twice_is_404(core: CoreV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        core.delete_namespaced_config_map("settings", namespace)
    assert error.value.status == 404


def test_a_finalizer_holds_the_object(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map(finalizers=["example.com/hold"]))
    core.delete_namespaced_config_map("settings", namespace)
    assert core.read_namespaced_config_map("settings", namespace).metadata.deletion_timestamp
    core.patch_namespaced_config_map("settings", namespace, {"metadata": {"finalizers": None}})
    assert gone(core.read_namespaced_config_map, "settings", namespace)


def test_a_wrong_uid_as_precondition_is_409(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map())
    options = {"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}
    with pytest.raises(ApiException) as error:
        core.delete_namespaced_config_map("settings", namespace, body=options)
    assert error.value.status == 409
    assert "the UID in the precondition (00000000-0000-0000-0000-000000000000) does not match the UID" in (
        error.value.body
    )


def test_a_collection_is_deleted_by_label(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map("a", labels={"go": "1"}))
    core.create_namespaced_config_map(namespace, config_map("b"))
    core.delete_collection_namespaced_config_map(namespace, label_selector="go=1")
    names = [item.metadata.name for item in core.list_namespaced_config_map(namespace).items]
    assert "a" not in names
    assert "b" in names


def test_dependants_go_with_their_owner(core: CoreV1Api, namespace: str) -> None:
    owner = core.create_namespaced_config_map(namespace, config_map("owner"))
    core.create_namespaced_config_map(namespace, owned_by(owner, "child"))
    core.delete_namespaced_config_map("owner", namespace, propagation_policy="Background")
    assert gone(core.read_namespaced_config_map, "owner", namespace)
    eventually(lambda: gone(core.read_namespaced_config_map, "child", namespace))


def test_in_the_foreground_dependants_go_first(core: CoreV1Api, namespace: str) -> None:
    owner = core.create_namespaced_config_map(namespace, config_map("owner"))
    child = owned_by(owner, "child")
    child["metadata"]["finalizers"] = ["example.com/hold"]
    core.create_namespaced_config_map(namespace, child)
    core.delete_namespaced_config_map("owner", namespace, propagation_policy="Foreground")
    held = core.read_namespaced_config_map("owner", namespace)
    assert held.metadata.finalizers == ["foregroundDeletion"]
    eventually(lambda: core.read_namespaced_config_map("child", namespace).metadata.deletion_timestamp)
    core.patch_namespaced_config_map("child", namespace, {"metadata": {"finalizers": None}})
    eventually(lambda: gone(core.read_namespaced_config_map, "owner", namespace))


def test_orphans_stay(core: CoreV1Api, namespace: str) -> None:
    owner = core.create_namespaced_config_map(namespace, config_map("owner"))
    core.create_namespaced_config_map(namespace, owned_by(owner, "child"))
    core.delete_namespaced_config_map("owner", namespace, propagation_policy="Orphan")
    eventually(lambda: gone(core.read_namespaced_config_map, "owner", namespace))
    child = core.read_namespaced_config_map("child", namespace)
    assert child.metadata.owner_references is None


def test_a_deployment_takes_its_pods_along(apps: AppsV1Api, core: CoreV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment(replicas=2))
    eventually(lambda: len(core.list_namespaced_pod(namespace).items) == 2)
    apps.delete_namespaced_deployment("web", namespace)
    eventually(lambda: not apps.list_namespaced_replica_set(namespace).items)
    eventually(lambda: not core.list_namespaced_pod(namespace).items)


def test_a_pod_ends_gracefully(core: CoreV1Api, namespace: str) -> None:
    eventually(lambda: core.list_namespaced_service_account(namespace).items)
    core.create_namespaced_pod(namespace, pod())
    eventually(lambda: core.read_namespaced_pod("one", namespace).status.phase == "Running")
    ending = core.delete_namespaced_pod("one", namespace)
    assert ending.metadata.deletion_timestamp
    assert ending.metadata.deletion_grace_period_seconds == 1
    eventually(lambda: gone(core.read_namespaced_pod, "one", namespace))


def test_deleting_in_dry_run_deletes_nothing(apps: AppsV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, idle())
    apps.delete_namespaced_deployment("web", namespace, dry_run="All")
    assert apps.read_namespaced_deployment("web", namespace).metadata.deletion_timestamp is None
