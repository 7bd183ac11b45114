"""Changing objects: versions, the kinds of patch, and the subresources."""

from typing import Any

import pytest
from kubernetes.client import ApiException, AppsV1Api, CoreV1Api

from .manifests import config_map, idle

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"


@pytest.fixture
def web(apps: AppsV1Api, namespace: str) -> Any:
    return apps.create_namespaced_deployment(namespace, idle())


def test_a_stale_version_is_409(core: CoreV1Api, namespace: str) -> None:
    first = core.create_namespaced_config_map(namespace, config_map())
    core.patch_namespaced_config_map("settings", namespace, {"data": {"a": "2"}})
    first.data = {"a": "3"}
    with pytest.raises(ApiException) as error:
        core.replace_namespaced_config_map("settings", namespace, first)
    assert error.value.status == 409
    assert "the object has been modified; please apply your changes to the latest version" in error.value.body


def test_a_replacement_without_version_wins(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map())
    replaced = core.replace_namespaced_config_map("settings", namespace, config_map(data={"b": "2"}))
    assert replaced.data == {"b": "2"}


def test_every_change_has_a_higher_version(core: CoreV1Api, namespace: str) -> None:
    first = core.create_namespaced_config_map(namespace, config_map())
    second = core.patch_namespaced_config_map("settings", namespace, {"data": {"a": "2"}})
    assert int(second.metadata.resource_version) > int(first.metadata.resource_version)


def test_a_change_of_nothing_keeps_the_version(core: CoreV1Api, namespace: str) -> None:
    first = core.create_namespaced_config_map(namespace, config_map())
    second = core.patch_namespaced_config_map("settings", namespace, {"data": {"a": "1"}})
    assert second.metadata.resource_version == first.metadata.resource_version


def test_a_patch_may_insist_on_a_version(core: CoreV1Api, namespace: str) -> None:
    first = core.create_namespaced_config_map(namespace, config_map())
    core.patch_namespaced_config_map("settings", namespace, {"data": {"a": "2"}})
    body = {"metadata": {"resourceVersion": first.metadata.resource_version}, "data": {"a": "3"}}
    with pytest.raises(ApiException) as error:
        core.patch_namespaced_config_map("settings", namespace, body)
    assert error.value.status == 409


def test_a_replacement_must_bear_the_name_in_the_url(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map())
    with pytest.raises(ApiException) as error:
        core.replace_namespaced_config_map("settings", namespace, config_map("other"))
    assert error.value.status == 400


def test_replacing_what_is_not_there_is_404(apps: AppsV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        apps.replace_namespaced_deployment("web", namespace, idle())
    assert error.value.status == 404


def test_merge_patch_removes_by_null(apps: AppsV1Api, namespace: str, web: Any) -> None:
    body = {"metadata": {"labels": {"app": None, "b": "2"}}}
    patched = apps.patch_namespaced_deployment("web", namespace, body, _content_type=MERGE_PATCH)
    assert patched.metadata.labels == {"b": "2"}


def test_merge_patch_replaces_lists(apps: AppsV1Api, namespace: str, web: Any) -> None:
    containers = [{"name": "only", "image": "registry.k8s.io/pause:3.9"}]
    body = {"spec": {"template": {"spec": {"containers": containers}}}}
    patched = apps.patch_namespaced_deployment("web", namespace, body, _content_type=MERGE_PATCH)
    assert [c.name for c in patched.spec.template.spec.containers] == ["only"]


def test_strategic_patch_merges_containers_by_name(apps: AppsV1Api, namespace: str, web: Any) -> None:
    side = {"name": "side", "image": "registry.k8s.io/pause:3.9", "env": [{"name": "B", "value": "2"}]}
    body = {"spec": {"template": {"spec": {"containers": [side]}}}}
    patched = apps.patch_namespaced_deployment("web", namespace, body, _content_type=STRATEGIC_PATCH)
    containers = {c.name: c for c in patched.spec.template.spec.containers}
    assert set(containers) == {"main", "side"}
    assert containers["side"].image.endswith(":3.9")
    assert {e.name for e in containers["side"].env} == {"A", "B"}


def test_strategic_patch_deletes_by_directive(apps: AppsV1Api, namespace: str, web: Any) -> None:
    body = {"spec": {"template": {"spec": {"containers": [{"name": "side", "$patch": "delete"}]}}}}
    patched = apps.patch_namespaced_deployment("web", namespace, body, _content_type=STRATEGIC_PATCH)
    assert [c.name for c in patched.spec.template.spec.containers] == ["main"]


def test_json_patch_walks_its_operations(core: CoreV1Api, namespace: str) -> None:
    marked = config_map(data={"a": "1"}, annotations={"example.com/x": "2", "example.com/kept": "3"})
    core.create_namespaced_config_map(namespace, marked)
    operations = [
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "replace", "path": "/data/a", "value": "9"},
        {"op": "remove", "path": "/metadata/annotations/example.com~1x"},
        {"op": "add", "path": "/data/c", "value": "3"},
        {"op": "copy", "from": "/data/c", "path": "/data/d"},
    ]
    patched = core.patch_namespaced_config_map("settings", namespace, operations, _content_type=JSON_PATCH)
    assert patched.data == {"a": "9", "c": "3", "d": "3"}
    assert patched.metadata.annotations == {"example.com/kept": "3"}


def test_json_patch_that_tests_wrong_changes_nothing(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map())
    operations = [{"op": "test", "path": "/data/a", "value": "no"}, {"op": "remove", "path": "/data/a"}]
    with pytest.raises(ApiException) as error:
        core.patch_namespaced_config_map("settings", namespace, operations, _content_type=JSON_PATCH)
    assert error.value.status == 422
    assert core.read_namespaced_config_map("settings", namespace).data == {"a": "1"}


def test_a_selector_cannot_change(apps: AppsV1Api, namespace: str, web: Any) -> None:
    body = {
        "spec": {
            "selector": {"matchLabels": {"app": "new"}},
            "template": {"metadata": {"labels": {"app": "new"}}},
        }
    }
    with pytest.raises(ApiException) as error:
        apps.patch_namespaced_deployment("web", namespace, body)
    assert error.value.status == 422
    assert "field is immutable" in error.value.body


def test_generation_counts_changes_of_the_spec_only(apps: AppsV1Api, namespace: str, web: Any) -> None:
    labelled = apps.patch_namespaced_deployment("web", namespace, {"metadata": {"labels": {"b": "2"}}})
    assert labelled.metadata.generation == web.metadata.generation
    changed = apps.patch_namespaced_deployment("web", namespace, {"spec": {"minReadySeconds": 1}})
    assert changed.metadata.generation == web.metadata.generation + 1


def test_a_status_written_to_the_object_is_ignored(core: CoreV1Api, namespace: str) -> None:
    spec = {"hard": {"configmaps": "9"}}
    core.create_namespaced_resource_quota(namespace, {"metadata": {"name": "q"}, "spec": spec})
    body = {"status": {"used": {"configmaps": "7"}}}
    core.patch_namespaced_resource_quota("q", namespace, body)
    used = (core.read_namespaced_resource_quota("q", namespace).status.used or {}).get("configmaps")
    assert used != "7"


def test_the_status_subresource_changes_the_status_only(networking: Any, namespace: str) -> None:
    from .manifests import ingress

    networking.create_namespaced_ingress(namespace, ingress())
    body = {
        "spec": {"ingressClassName": "changed"},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.9.8.7"}]}},
    }
    networking.patch_namespaced_ingress_status("web", namespace, body)
    after = networking.read_namespaced_ingress_status("web", namespace)
    assert after.status.load_balancer.ingress[0].ip == "10.9.8.7"
    assert after.spec.ingress_class_name is None


def test_scale_reads_and_sets_replicas(apps: AppsV1Api, namespace: str, web: Any) -> None:
    scale = apps.read_namespaced_deployment_scale("web", namespace)
    assert (scale.spec.replicas, scale.status.selector) == (None, "app=web")  # 0 is omitted
    apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 1}})
    assert apps.read_namespaced_deployment("web", namespace).spec.replicas == 1


def test_scale_can_be_replaced(apps: AppsV1Api, namespace: str, web: Any) -> None:
    scale = apps.read_namespaced_deployment_scale("web", namespace)
    scale.spec.replicas = 2
    scale.metadata.resource_version = None  # a controller may have written the status meanwhile
    assert apps.replace_namespaced_deployment_scale("web", namespace, scale).spec.replicas == 2


def test_an_update_in_dry_run_changes_nothing(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map())
    shown = core.patch_namespaced_config_map("settings", namespace, {"data": {"a": "2"}}, dry_run="All")
    assert shown.data == {"a": "2"}
    assert core.read_namespaced_config_map("settings", namespace).data == {"a": "1"}
