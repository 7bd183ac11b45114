"""What becomes of pods, with and without faults, in the kubelet's words."""

from typing import Any

import pytest

from cluster_emulator import logs
from cluster_emulator.api_errors import ApiError
from cluster_emulator.clock import ManualClock
from cluster_emulator.history import Key
from cluster_emulator.kinds import DEPLOYMENT, EVENT, POD, REPLICA_SET, SECRET
from tests.unit.cluster import HOME, EmulatedCluster, deployment


@pytest.fixture
def cluster() -> EmulatedCluster:
    return EmulatedCluster()


def waiting(cluster: EmulatedCluster) -> dict[str, str]:
    state: dict[str, str] = cluster.pod()["status"]["containerStatuses"][0]["state"].get("waiting", {})
    return state


def available(cluster: EmulatedCluster) -> int:
    return int(cluster.get(DEPLOYMENT, "web")["status"].get("availableReplicas", 0))


def test_a_healthy_pod_is_ready_after_a_moment(cluster: EmulatedCluster) -> None:
    cluster.create(DEPLOYMENT, deployment(replicas=3))
    assert waiting(cluster) == {"reason": "ContainerCreating"}
    cluster.wait(1)
    assert available(cluster) == 3
    assert cluster.condition("Available")["status"] == "True"


def test_a_slow_start_takes_its_seconds(cluster: EmulatedCluster) -> None:
    cluster.fault("slow-start", seconds=60, namespace=HOME)
    cluster.create(DEPLOYMENT, deployment(readinessProbe={"httpGet": {"path": "/healthz", "port": 8080}}))
    cluster.wait(30)
    assert available(cluster) == 0
    assert cluster.pod()["status"]["phase"] == "Running"
    assert cluster.words()["Unhealthy"].startswith("Readiness probe failed: Get")
    assert next(event["count"] for event in cluster.all(EVENT) if event["reason"] == "Unhealthy") >= 2
    cluster.wait(31)
    assert available(cluster) == 1


def test_a_slow_start_without_probe_is_a_slow_creation(cluster: EmulatedCluster) -> None:
    cluster.fault("slow-start", seconds=60)
    cluster.create(DEPLOYMENT, deployment())
    cluster.wait(30)
    assert waiting(cluster) == {"reason": "ContainerCreating"}


def test_an_image_that_cannot_be_pulled_backs_off(cluster: EmulatedCluster) -> None:
    cluster.fault("image-pull-backoff", selector="tenant=acme")
    cluster.create(DEPLOYMENT, deployment())
    cluster.wait(5)
    assert waiting(cluster)["reason"] == "ImagePullBackOff"
    assert 'Back-off pulling image "tenant-app:1"' in waiting(cluster)["message"]
    assert cluster.words()["BackOff"] == 'Back-off pulling image "tenant-app:1"'


def test_a_crashing_container_is_restarted_ever_more_slowly(cluster: EmulatedCluster) -> None:
    cluster.fault("crash-loop-backoff")
    cluster.create(DEPLOYMENT, deployment())
    cluster.wait(5)
    assert waiting(cluster)["reason"] == "CrashLoopBackOff"
    assert waiting(cluster)["message"].startswith("back-off 10s restarting failed container=main pod=web-")
    cluster.wait(25)
    status = cluster.pod()["status"]["containerStatuses"][0]
    assert status["restartCount"] == 2
    assert waiting(cluster)["message"].startswith("back-off 20s")
    assert status["lastState"]["terminated"]["exitCode"] == 1


def test_a_running_pod_begins_to_crash_with_the_fault(cluster: EmulatedCluster) -> None:
    cluster.create(DEPLOYMENT, deployment())
    cluster.wait(1)
    cluster.fault("crash-loop-backoff")
    assert available(cluster) == 0


def test_no_node_fits(cluster: EmulatedCluster) -> None:
    cluster.fault("unschedulable")
    cluster.create(DEPLOYMENT, deployment())
    condition = cluster.pod()["status"]["conditions"][0]
    assert (condition["type"], condition["reason"]) == ("PodScheduled", "Unschedulable")
    assert condition["message"].startswith("0/1 nodes are available: 1 Insufficient cpu.")
    assert "FailedScheduling" in cluster.words()


def test_a_quota_fault_keeps_pods_away(cluster: EmulatedCluster) -> None:
    cluster.fault("quota-exceeded")
    cluster.create(DEPLOYMENT, deployment(replicas=2))
    assert cluster.all(POD) == []
    assert cluster.condition("ReplicaFailure")["reason"] == "FailedCreate"
    assert "exceeded quota: emulator-fault, requested: pods=1" in cluster.words()["FailedCreate"]


@pytest.mark.parametrize(
    "kind", ["image-pull-backoff", "crash-loop-backoff", "unschedulable", "quota-exceeded", "slow-start"]
)
def test_pods_recover_when_the_fault_is_cleared(cluster: EmulatedCluster, kind: str) -> None:
    cluster.fault(kind, seconds=600)
    cluster.create(DEPLOYMENT, deployment(replicas=2))
    cluster.wait(20)
    assert available(cluster) == 0
    cluster.clear_faults()
    cluster.wait(2)
    assert available(cluster) == 2
    assert cluster.condition("ReplicaFailure") == {}


def test_a_slow_start_leaves_ready_pods_alone(cluster: EmulatedCluster) -> None:
    cluster.create(DEPLOYMENT, deployment())
    cluster.wait(1)
    cluster.fault("slow-start", seconds=60)
    assert available(cluster) == 1


def test_another_tenant_is_not_concerned(cluster: EmulatedCluster) -> None:
    cluster.fault("image-pull-backoff", namespace="other")
    cluster.fault("crash-loop-backoff", selector="tenant=other")
    cluster.create(DEPLOYMENT, deployment())
    cluster.wait(1)
    assert available(cluster) == 1


def test_a_faster_clock_shortens_waiting() -> None:
    cluster = EmulatedCluster(ManualClock(speed=10))
    cluster.fault("slow-start", seconds=60)
    cluster.create(DEPLOYMENT, deployment())
    cluster.wait(5)
    assert available(cluster) == 0
    cluster.wait(2)
    assert available(cluster) == 1


def test_logs_say_that_nothing_ran_or_what(cluster: EmulatedCluster) -> None:
    cluster.create(DEPLOYMENT, deployment())
    with pytest.raises(ApiError, match="is waiting to start: ContainerCreating"):
        logs.container_log(cluster.pod(), "")
    cluster.wait(1)
    assert "main would be running tenant-app:1" in logs.container_log(cluster.pod(), "main")


def test_a_pod_that_is_not_restarted_succeeds(cluster: EmulatedCluster) -> None:
    containers = [{"name": "main", "image": "job:1"}]
    spec = {"restartPolicy": "Never", "containers": containers}
    cluster.create(POD, {"metadata": {"name": "hook"}, "spec": spec})
    cluster.wait(5)
    assert cluster.pod()["status"]["phase"] == "Succeeded"


def test_a_pod_waits_for_its_secret(cluster: EmulatedCluster) -> None:
    cluster.create(DEPLOYMENT, deployment(envFrom=[{"secretRef": {"name": "dsn"}}]))
    cluster.wait(1)
    assert waiting(cluster) == {"reason": "CreateContainerConfigError", "message": 'secret "dsn" not found'}
    cluster.create(SECRET, {"metadata": {"name": "dsn"}, "stringData": {"dsn": "x"}})
    cluster.wait(1)
    assert available(cluster) == 1


def test_a_deadline_that_passes_is_reported_on_the_deployment(cluster: EmulatedCluster) -> None:
    cluster.fault("unschedulable")
    body = deployment()
    body["spec"]["progressDeadlineSeconds"] = 30
    cluster.create(DEPLOYMENT, body)
    cluster.wait(20)
    assert cluster.condition("Progressing")["status"] == "True"
    cluster.wait(20)
    assert cluster.condition("Progressing")["reason"] == "ProgressDeadlineExceeded"


def test_going_back_to_an_old_template_takes_its_replica_set_again(cluster: EmulatedCluster) -> None:
    cluster.create(DEPLOYMENT, deployment(replicas=2))
    cluster.wait(2)
    for image in ("tenant-app:2", "tenant-app:1"):
        roll(cluster, image)
        cluster.wait(5)
    sets = {s["spec"]["template"]["spec"]["containers"][0]["image"]: s for s in cluster.all(REPLICA_SET)}
    assert {image: s["spec"]["replicas"] for image, s in sets.items()} == {"tenant-app:1": 2, "tenant-app:2": 0}
    assert sets["tenant-app:1"]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "3"


def roll(cluster: EmulatedCluster, image: str) -> None:
    def edit(obj: dict[str, Any]) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["image"] = image

    cluster.emulator.registry.change(Key(DEPLOYMENT, HOME, "web"), edit)
    cluster.emulator.controllers.settle()
