"""Server-side apply: who owns which field, conflicts, and what is given up."""

from typing import Any

import pytest
from kubernetes.client import ApiException, AppsV1Api, CoreV1Api

from .manifests import IMAGE, config_map, idle
from .server import eventually

APPLY = "application/apply-patch+yaml"


class Applier:
    """Applies Deployments as one manager or another."""

    def __init__(self, apps: AppsV1Api, namespace: str) -> None:
        self._apps, self._namespace = apps, namespace

    def __call__(self, body: Any, manager: str = "first", **options: Any) -> Any:
        return self._apps.patch_namespaced_deployment(
            body["metadata"]["name"],
            self._namespace,
            body,
            field_manager=manager,
            _content_type=APPLY,
            **options,
        )


@pytest.fixture
def apply(apps: AppsV1Api, namespace: str) -> Applier:
    return Applier(apps, namespace)


def only(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def managers(obj: Any) -> dict[str, str]:
    return {entry.manager: entry.operation for entry in obj.metadata.managed_fields}


def test_applying_creates(apply: Applier) -> None:
    made = apply(idle())
    assert made.metadata.uid
    assert managers(made) == {"first": "Apply"}


def test_managed_fields_name_what_was_applied(apply: Applier) -> None:
    entry = apply(idle()).metadata.managed_fields[0]
    assert entry.fields_type == "FieldsV1"
    containers = entry.fields_v1["f:spec"]["f:template"]["f:spec"]["f:containers"]
    assert containers['k:{"name":"main"}'] == {".": {}, "f:image": {}, "f:name": {}}
    assert "f:replicas" in entry.fields_v1["f:spec"]
    assert "f:strategy" not in entry.fields_v1["f:spec"]


def test_applying_the_same_again_changes_nothing(core: CoreV1Api, namespace: str) -> None:
    versions = {
        core.patch_namespaced_config_map(
            "settings", namespace, config_map(), field_manager="first", _content_type=APPLY
        ).metadata.resource_version
        for _ in range(2)
    }
    assert len(versions) == 1


def test_another_value_from_another_manager_conflicts(apply: Applier) -> None:
    apply(idle())
    with pytest.raises(ApiException) as error:
        apply(only(replicas=3), "second")
    assert error.value.status == 409
    assert 'Apply failed with 1 conflict: conflict with \\"first\\": .spec.replicas' in error.value.body


def test_the_same_value_is_shared(apply: Applier) -> None:
    apply(idle())
    body = only(replicas=0, selector=idle()["spec"]["selector"], template=idle()["spec"]["template"])
    found = managers(apply(body, "second"))
    found.pop("kube-controller-manager", None)  # it may have written the status by now
    assert found == {"first": "Apply", "second": "Apply"}


def test_controllers_leave_managed_fields(apply: Applier, apps: AppsV1Api, namespace: str) -> None:
    apply(idle())

    def status_manager() -> Any:
        entries = apps.read_namespaced_deployment("web", namespace).metadata.managed_fields
        return next((entry for entry in entries if entry.subresource == "status"), None)

    entry = eventually(status_manager)
    assert (entry.manager, entry.operation) == ("kube-controller-manager", "Update")
    assert "f:status" in entry.fields_v1


def test_force_takes_the_field(apply: Applier) -> None:
    apply(idle())
    body = idle()
    body["spec"]["replicas"] = 1
    taken = apply(body, "second", force=True)
    assert taken.spec.replicas == 1
    first = next(e for e in taken.metadata.managed_fields if e.manager == "first")
    assert "f:replicas" not in first.fields_v1["f:spec"]


def test_a_field_that_is_no_longer_applied_is_removed(apply: Applier) -> None:
    body = idle(extra="yes")
    body["spec"]["minReadySeconds"] = 1
    apply(body)
    after = apply(idle())
    assert "extra" not in after.metadata.labels
    assert not after.spec.min_ready_seconds


def test_what_another_manager_holds_stays(apply: Applier) -> None:
    apply(idle(extra="yes"))
    apply(idle(extra="yes"), "second")
    assert apply(idle()).metadata.labels["extra"] == "yes"


def test_items_of_keyed_lists_come_and_go(apply: Applier) -> None:
    body = idle()
    body["spec"]["template"]["spec"]["containers"].append({"name": "third", "image": IMAGE})
    assert len(apply(body).spec.template.spec.containers) == 3
    assert [c.name for c in apply(idle()).spec.template.spec.containers] == ["main", "side"]


def test_an_ordinary_update_takes_over_and_conflicts(apply: Applier, apps: AppsV1Api, namespace: str) -> None:
    apply(idle())
    apps.patch_namespaced_deployment("web", namespace, {"spec": {"replicas": 1}}, field_manager="hand")
    with pytest.raises(ApiException) as error:
        apply(idle())
    assert error.value.status == 409
    assert 'conflict with \\"hand\\" using apps/v1: .spec.replicas' in error.value.body


def test_applied_unknown_fields_are_refused(apply: Applier) -> None:
    body = idle()
    body["spec"]["replicaz"] = 1
    with pytest.raises(ApiException) as error:
        apply(body, field_validation="Strict")
    assert error.value.status in (400, 500)


def test_applying_in_dry_run_creates_nothing(apply: Applier, apps: AppsV1Api, namespace: str) -> None:
    apply(idle(), dry_run="All")
    with pytest.raises(ApiException) as error:
        apps.read_namespaced_deployment("web", namespace)
    assert error.value.status == 404


def test_updates_are_tracked_under_the_manager_given(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map(), field_manager="maker")
    body = {"data": {"b": "2"}}
    after = core.patch_namespaced_config_map("settings", namespace, body, field_manager="changer")
    assert managers(after) == {"maker": "Update", "changer": "Update"}
    owned = {e.manager: e.fields_v1["f:data"] for e in after.metadata.managed_fields}
    assert set(owned["changer"]) - {"."} == {"f:b"}
    assert set(owned["maker"]) - {"."} == {"f:a"}
