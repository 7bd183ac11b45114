"""StatefulSets, DaemonSets, Jobs and volume claims: the fields by which clients judge readiness."""

from typing import Any

import pytest
from kubernetes.client import ApiException, AppsV1Api, BatchV1Api, CoreV1Api

from .manifests import NO_IMAGE, claim, daemon_set, job, stateful_set
from .server import eventually


@pytest.fixture
def batch(api: Any) -> BatchV1Api:
    return BatchV1Api(api)


def settled(found: Any) -> bool:
    return bool(found.status.observed_generation == found.metadata.generation)


def ready_set(apps: AppsV1Api, namespace: str, replicas: int = 1) -> Any:
    def look() -> Any:
        found = apps.read_namespaced_stateful_set("db", namespace)
        return found if settled(found) and found.status.ready_replicas == replicas else None

    return eventually(look)


def test_a_stateful_set_gets_ready(apps: AppsV1Api, core: CoreV1Api, namespace: str) -> None:
    apps.create_namespaced_stateful_set(namespace, stateful_set(replicas=2))
    found = ready_set(apps, namespace, 2)
    assert found.status.replicas == found.status.updated_replicas == 2
    assert found.status.current_revision == found.status.update_revision
    pods = core.list_namespaced_pod(namespace).items
    assert sorted(pod.metadata.name for pod in pods) == ["db-0", "db-1"]
    assert {pod.metadata.owner_references[0].uid for pod in pods} == {found.metadata.uid}


def test_a_stateful_set_replaces_its_pods(apps: AppsV1Api, core: CoreV1Api, namespace: str) -> None:
    apps.create_namespaced_stateful_set(namespace, stateful_set())
    before = ready_set(apps, namespace).status.update_revision
    labelled = {"spec": {"template": {"metadata": {"labels": {"wave": "2"}}}}}
    apps.patch_namespaced_stateful_set("db", namespace, labelled)

    def rolled() -> Any:
        found = apps.read_namespaced_stateful_set("db", namespace).status
        return (
            found if found.ready_replicas == found.updated_replicas == 1 and found.update_revision != before else None
        )

    assert eventually(rolled)
    eventually(lambda: apps.read_namespaced_stateful_set("db", namespace).status.current_revision != before)
    assert core.read_namespaced_pod("db-0", namespace).metadata.labels["wave"] == "2"


def test_a_stateful_sets_broken_image_leaves_it_unready(apps: AppsV1Api, core: CoreV1Api, namespace: str) -> None:
    apps.create_namespaced_stateful_set(namespace, stateful_set(replicas=2, image=NO_IMAGE))
    eventually(lambda: core.list_namespaced_pod(namespace).items)
    found = apps.read_namespaced_stateful_set("db", namespace)
    assert not found.status.ready_replicas
    assert [pod.metadata.name for pod in core.list_namespaced_pod(namespace).items] == ["db-0"]


def test_a_daemon_set_gets_ready(apps: AppsV1Api, namespace: str) -> None:
    apps.create_namespaced_daemon_set(namespace, daemon_set())

    def look() -> Any:
        found = apps.read_namespaced_daemon_set("agent", namespace)
        status = found.status
        complete = status.desired_number_scheduled and status.number_available == status.desired_number_scheduled
        return status if settled(found) and complete else None

    status = eventually(look)
    assert status.updated_number_scheduled == status.current_number_scheduled == status.number_ready


def _ended(batch: BatchV1Api, namespace: str, kind: str) -> Any:
    conditions = batch.read_namespaced_job("seed", namespace).status.conditions or []
    return next((c for c in conditions if c.type == kind and c.status == "True"), None)


def test_a_job_runs_to_completion(batch: BatchV1Api, core: CoreV1Api, namespace: str) -> None:
    made = batch.create_namespaced_job(namespace, job())
    selector = {"batch.kubernetes.io/controller-uid": made.metadata.uid}
    assert made.spec.selector.match_labels == selector
    eventually(lambda: _ended(batch, namespace, "Complete"))
    status = batch.read_namespaced_job("seed", namespace).status
    assert status.succeeded == 1
    assert status.completion_time
    (pod,) = core.list_namespaced_pod(namespace, label_selector="batch.kubernetes.io/job-name=seed").items
    assert pod.status.phase == "Succeeded"


def test_a_suspended_job_does_not_begin(batch: BatchV1Api, core: CoreV1Api, namespace: str) -> None:
    batch.create_namespaced_job(namespace, job(suspend=True))
    eventually(lambda: _ended(batch, namespace, "Suspended"))
    assert core.list_namespaced_pod(namespace).items == []


def test_a_job_whose_pods_are_always_restarted_is_refused(batch: BatchV1Api, namespace: str) -> None:
    body = job()
    body["spec"]["template"]["spec"]["restartPolicy"] = "Always"
    with pytest.raises(ApiException) as error:
        batch.create_namespaced_job(namespace, body)
    assert error.value.status == 422
    assert 'supported values: "OnFailure", "Never"' in error.value.body.replace('\\"', '"')


def test_a_claim_of_a_class_that_does_not_exist_stays_pending(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_persistent_volume_claim(namespace, claim(storage_class="conformance-has-no-such-class"))
    field = "involvedObject.kind=PersistentVolumeClaim"
    event = eventually(lambda: core.list_namespaced_event(namespace, field_selector=field).items)[0]
    assert event.reason == "ProvisioningFailed"
    assert 'storageclass.storage.k8s.io "conformance-has-no-such-class" not found' in event.message
    assert core.read_namespaced_persistent_volume_claim("data", namespace).status.phase == "Pending"


def test_the_claims_of_a_stateful_set_go_with_the_namespace_only(
    apps: AppsV1Api, core: CoreV1Api, namespace: str
) -> None:
    apps.create_namespaced_stateful_set(namespace, stateful_set(claims=True))
    eventually(lambda: core.list_namespaced_persistent_volume_claim(namespace).items)
    apps.delete_namespaced_stateful_set("db", namespace)
    eventually(lambda: not core.list_namespaced_pod(namespace).items)
    (found,) = core.list_namespaced_persistent_volume_claim(namespace).items
    assert found.metadata.name == "data-db-0"
    core.delete_namespace(namespace)

    def gone() -> bool:
        try:
            return not core.list_namespaced_persistent_volume_claim(namespace).items
        except ApiException:
            return True

    eventually(gone)
