"""The namespace's life."""

import pytest
from kubernetes.client import ApiException, CoreV1Api

from .manifests import config_map, pod
from .server import eventually


def gone(core: CoreV1Api, name: str) -> bool:
    try:
        core.read_namespace(name)
    except ApiException as error:
        return bool(error.status == 404)
    return False


def test_a_new_namespace_is_active_and_labelled(core: CoreV1Api, namespace: str) -> None:
    found = core.read_namespace(namespace)
    assert found.status.phase == "Active"
    assert found.metadata.labels["kubernetes.io/metadata.name"] == namespace
    assert found.spec.finalizers == ["kubernetes"]


def test_it_gets_a_default_service_account(core: CoreV1Api, namespace: str) -> None:
    eventually(lambda: [a.metadata.name for a in core.list_namespaced_service_account(namespace).items])
    assert core.read_namespaced_service_account("default", namespace).metadata.uid


def test_it_gets_the_ca_bundle(core: CoreV1Api, namespace: str) -> None:
    names = eventually(lambda: [c.metadata.name for c in core.list_namespaced_config_map(namespace).items])
    assert "kube-root-ca.crt" in names


def test_its_content_goes_with_it(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map())
    core.create_namespaced_secret(namespace, {"metadata": {"name": "s"}})
    core.delete_namespace(namespace)
    eventually(lambda: gone(core, namespace))
    assert core.list_namespaced_config_map(namespace).items == []


def test_its_end_begins_a_while_after_its_deletion(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map())
    core.delete_namespace(namespace)
    ending = core.read_namespace(namespace)
    assert (ending.status.phase, ending.status.conditions) == ("Terminating", None)
    assert core.read_namespaced_config_map("settings", namespace).metadata.deletion_timestamp is None
    eventually(lambda: gone(core, namespace))


def test_pods_have_their_grace_before_it_ends(core: CoreV1Api, namespace: str) -> None:
    eventually(lambda: core.list_namespaced_service_account(namespace).items)
    core.create_namespaced_pod(namespace, pod())
    eventually(lambda: core.read_namespaced_pod("one", namespace).status.phase == "Running")
    core.delete_namespace(namespace)
    assert core.read_namespaced_pod("one", namespace).metadata.deletion_timestamp is None
    eventually(lambda: gone(core, namespace))


def test_while_terminating_it_takes_nothing_new_and_says_what_holds_it(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map(finalizers=["example.com/hold"]))
    core.delete_namespace(namespace)
    assert core.read_namespace(namespace).status.phase == "Terminating"
    with pytest.raises(ApiException) as error:
        core.create_namespaced_config_map(namespace, config_map("late"))
    assert error.value.status == 403
    assert "because it is being terminated" in error.value.body

    def holding() -> str:
        conditions = core.read_namespace(namespace).status.conditions or []
        found = [c for c in conditions if c.type == "NamespaceFinalizersRemaining" and c.status == "True"]
        return found[0].message if found else ""

    assert "example.com/hold in 1 resource instances" in eventually(holding)
    conditions = core.read_namespace(namespace).status.conditions
    remaining = next(c.message for c in conditions if c.type == "NamespaceContentRemaining")
    assert remaining == "Some resources are remaining: configmaps. has 1 resource instances"
    core.patch_namespaced_config_map("settings", namespace, {"metadata": {"finalizers": None}})
    eventually(lambda: gone(core, namespace))
