"""Deployments become pods: readiness, rolling updates, failures and the events that tell of them."""

import re
from typing import Any

import pytest
from kubernetes.client import ApiException, AppsV1Api, CoreV1Api, DiscoveryV1Api

from .manifests import NO_IMAGE, deployment, pod, quota, service
from .server import eventually


def condition(obj: Any, kind: str) -> Any:
    return next((c for c in obj.status.conditions or [] if c.type == kind), None)


def available(apps: AppsV1Api, namespace: str, replicas: int = 1) -> Any:
    def look() -> Any:
        found = apps.read_namespaced_deployment("web", namespace)
        settled = found.status.observed_generation == found.metadata.generation
        return found if settled and found.status.available_replicas == replicas else None

    return eventually(look)


def reasons(core: CoreV1Api, namespace: str, kind: str) -> dict[str, str]:
    found = core.list_namespaced_event(namespace, field_selector=f"involvedObject.kind={kind}").items
    return {event.reason: event.message for event in found}


def test_a_deployment_becomes_available(apps: AppsV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment(replicas=2))
    found = available(apps, namespace, 2)
    assert found.status.updated_replicas == found.status.ready_replicas == found.status.replicas == 2
    assert condition(found, "Available").reason == "MinimumReplicasAvailable"
    progressing = eventually(lambda: condition(apps.read_namespaced_deployment("web", namespace), "Progressing"))
    assert progressing.status == "True"


def test_its_pods_belong_to_its_replica_set(apps: AppsV1Api, core: CoreV1Api, namespace: str) -> None:
    made = apps.create_namespaced_deployment(namespace, deployment())
    available(apps, namespace)
    rs = apps.list_namespaced_replica_set(namespace).items[0]
    assert rs.metadata.owner_references[0].uid == made.metadata.uid
    one = core.list_namespaced_pod(namespace).items[0]
    assert one.metadata.owner_references[0].uid == rs.metadata.uid
    assert one.metadata.labels["pod-template-hash"] == rs.metadata.labels["pod-template-hash"]
    assert one.spec.node_name
    assert one.status.pod_ip


def test_ready_pods_can_be_selected_by_phase(apps: AppsV1Api, core: CoreV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment())
    available(apps, namespace)
    assert len(core.list_namespaced_pod(namespace, field_selector="status.phase=Running").items) == 1
    assert core.list_namespaced_pod(namespace, field_selector="status.phase=Failed").items == []


def test_scaling_down_removes_pods(apps: AppsV1Api, core: CoreV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment(replicas=3))
    available(apps, namespace, 3)
    apps.patch_namespaced_deployment_scale("web", namespace, {"spec": {"replicas": 1}})
    eventually(lambda: len(core.list_namespaced_pod(namespace).items) == 1)


def test_a_new_template_rolls_out(apps: AppsV1Api, core: CoreV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment(replicas=2))
    before = available(apps, namespace, 2)
    assert before.metadata.annotations["deployment.kubernetes.io/revision"] == "1"
    labelled = {"spec": {"template": {"metadata": {"labels": {"wave": "2"}}}}}
    apps.patch_namespaced_deployment("web", namespace, labelled)

    def rolled() -> bool:
        pods = core.list_namespaced_pod(namespace).items
        return len(pods) == 2 and all(p.metadata.labels.get("wave") == "2" for p in pods)

    eventually(rolled)
    after = available(apps, namespace, 2)
    assert after.metadata.annotations["deployment.kubernetes.io/revision"] == "2"
    assert sorted(rs.spec.replicas for rs in apps.list_namespaced_replica_set(namespace).items) == [0, 2]


def test_a_rollout_that_fails_keeps_the_old_pods(apps: AppsV1Api, core: CoreV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment(replicas=2))
    available(apps, namespace, 2)
    broken = deployment(replicas=2, image=NO_IMAGE)["spec"]["template"]
    apps.patch_namespaced_deployment("web", namespace, {"spec": {"template": broken}})
    eventually(lambda: len(core.list_namespaced_pod(namespace).items) == 3)
    assert apps.read_namespaced_deployment("web", namespace).status.available_replicas == 2


def test_an_image_that_cannot_be_pulled_is_reported(core: CoreV1Api, namespace: str) -> None:
    eventually(lambda: core.list_namespaced_service_account(namespace).items)
    core.create_namespaced_pod(namespace, pod(image=NO_IMAGE))

    def waiting() -> str:
        statuses = core.read_namespaced_pod("one", namespace).status.container_statuses or []
        return statuses[0].state.waiting.reason if statuses and statuses[0].state.waiting else ""

    eventually(lambda: waiting() in ("ErrImagePull", "ImagePullBackOff"))
    failed = eventually(lambda: reasons(core, namespace, "Pod").get("Failed"))
    assert "image" in failed.lower()


def test_a_missing_secret_is_reported(core: CoreV1Api, namespace: str) -> None:
    eventually(lambda: core.list_namespaced_service_account(namespace).items)
    body = pod()
    body["spec"]["containers"][0]["envFrom"] = [{"secretRef": {"name": "nothing"}}]
    core.create_namespaced_pod(namespace, body)

    def waiting() -> Any:
        statuses = core.read_namespaced_pod("one", namespace).status.container_statuses or []
        state = statuses[0].state.waiting if statuses else None
        return state if state and state.reason == "CreateContainerConfigError" else None

    assert eventually(waiting).message == 'secret "nothing" not found'


def test_a_missed_progress_deadline_is_reported(apps: AppsV1Api, namespace: str) -> None:
    body = deployment(image=NO_IMAGE)
    body["spec"]["progressDeadlineSeconds"] = 2
    apps.create_namespaced_deployment(namespace, body)

    def exceeded() -> Any:
        progressing = condition(apps.read_namespaced_deployment("web", namespace), "Progressing")
        return progressing if progressing and progressing.reason == "ProgressDeadlineExceeded" else None

    assert eventually(exceeded).status == "False"


def test_events_are_recorded(apps: AppsV1Api, core: CoreV1Api, namespace: str) -> None:
    apps.create_namespaced_deployment(namespace, deployment())
    available(apps, namespace)
    assert "ScalingReplicaSet" in reasons(core, namespace, "Deployment")
    assert "SuccessfulCreate" in reasons(core, namespace, "ReplicaSet")
    eventually(lambda: {"Scheduled", "Created", "Started"} <= reasons(core, namespace, "Pod").keys())


def test_a_service_gets_the_addresses_of_its_ready_pods(
    api: Any, apps: AppsV1Api, core: CoreV1Api, namespace: str
) -> None:
    core.create_namespaced_service(namespace, service())
    apps.create_namespaced_deployment(namespace, deployment())
    available(apps, namespace)
    slices = DiscoveryV1Api(api)

    def ready() -> list[str]:
        found = slices.list_namespaced_endpoint_slice(namespace, label_selector="kubernetes.io/service-name=web")
        return [a for s in found.items for e in s.endpoints or [] if e.conditions.ready for a in e.addresses]

    assert eventually(ready) == [core.list_namespaced_pod(namespace).items[0].status.pod_ip]


def refused_secret(core: CoreV1Api, namespace: str, name: str) -> str:
    """What the server says (403) when it does not take one more Secret; empty when it takes it."""
    try:
        core.create_namespaced_secret(namespace, {"metadata": {"name": name}})
    except ApiException as error:
        if error.status != 403:
            raise
        return str(error.body)
    return ""


def test_an_object_quota_refuses_one_more(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_resource_quota(namespace, quota(secrets="1"))
    eventually(lambda: (core.read_namespaced_resource_quota("limits", namespace).status.hard or {}).get("secrets"))
    refusals = [refused_secret(core, namespace, f"s{number}") for number in range(4)]
    messages = [message for message in refusals if message]
    # A quota is eventually right: under load the real server has admitted one object too many.
    assert len(messages) >= 2
    assert re.search(
        r"exceeded quota: limits, requested: secrets=1, used: secrets=[12], limited: secrets=1", messages[-1]
    )
    eventually(lambda: core.read_namespaced_resource_quota("limits", namespace).status.used["secrets"] != "0")


def test_a_compute_quota_refuses_pods(core: CoreV1Api, namespace: str) -> None:
    eventually(lambda: core.list_namespaced_service_account(namespace).items)
    core.create_namespaced_resource_quota(namespace, quota(limits_cpu="500m"))
    eventually(lambda: core.read_namespaced_resource_quota("limits", namespace).status.hard)
    with pytest.raises(ApiException) as error:
        core.create_namespaced_pod(namespace, pod())
    assert "failed quota: limits: must specify limits.cpu for: main" in error.value.body
    body = pod()
    body["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1"}}
    with pytest.raises(ApiException) as error:
        core.create_namespaced_pod(namespace, body)
    assert (
        "exceeded quota: limits, requested: limits.cpu=1, used: limits.cpu=0, limited: limits.cpu=500m"
        in error.value.body
    )


def test_a_quota_that_keeps_pods_away_shows_on_the_deployment(apps: AppsV1Api, core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_resource_quota(namespace, quota(pods="1"))
    eventually(lambda: core.read_namespaced_resource_quota("limits", namespace).status.hard)
    apps.create_namespaced_deployment(namespace, deployment(replicas=2))
    failure = eventually(lambda: condition(apps.read_namespaced_deployment("web", namespace), "ReplicaFailure"))
    assert failure.reason == "FailedCreate"
    assert "exceeded quota: limits" in failure.message
    assert "exceeded quota" in eventually(lambda: reasons(core, namespace, "ReplicaSet").get("FailedCreate"))


def test_a_pod_needs_its_service_account(core: CoreV1Api, namespace: str) -> None:
    body = pod()
    body["spec"]["serviceAccountName"] = "nobody"
    with pytest.raises(ApiException) as error:
        core.create_namespaced_pod(namespace, body)
    assert error.value.status == 403
    assert 'serviceaccount \\"nobody\\" not found' in error.value.body
