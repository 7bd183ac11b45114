"""StatefulSets, DaemonSets, Jobs and volume claims of the emulator: the status that clients wait for."""

from typing import Any

import pytest

from cluster_emulator import deletion
from cluster_emulator.api_errors import ApiError
from cluster_emulator.history import Key
from cluster_emulator.kinds import DAEMON_SET, JOB, POD, QUOTA, STATEFUL_SET, STORAGE_CLASS, VOLUME_CLAIM
from tests.unit.cluster import HOME, Document, EmulatedCluster

CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}


@pytest.fixture
def cluster() -> EmulatedCluster:
    made = EmulatedCluster()
    made.wait(1)
    return made


def template(**spec: Any) -> Document:
    containers = [{"name": "main", "image": "db:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]
    if "volumes" not in spec:
        containers[0].pop("volumeMounts")
    return {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": containers, **spec}}


def stateful_set(replicas: int = 2, **spec: Any) -> Document:
    body = template()
    body["spec"]["containers"][0]["volumeMounts"] = [{"name": "data", "mountPath": "/data"}]
    claims = [{"metadata": {"name": "data"}, "spec": CLAIM}]
    selector = {"matchLabels": {"app": "db"}}
    own = {"replicas": replicas, "serviceName": "db", "selector": selector, "template": body}
    return {"metadata": {"name": "db"}, "spec": own | {"volumeClaimTemplates": claims} | spec}


def job(**spec: Any) -> Document:
    return {"metadata": {"name": "seed"}, "spec": {"template": template(restartPolicy="Never"), **spec}}


def names(cluster: EmulatedCluster) -> list[str]:
    return [pod["metadata"]["name"] for pod in cluster.all(POD)]


def ended(cluster: EmulatedCluster) -> str:
    conditions = cluster.get(JOB, "seed")["status"].get("conditions") or [{}]
    return str(conditions[0].get("type", ""))


def test_a_stateful_set_makes_its_pods_one_after_the_other_each_with_a_claim(cluster: EmulatedCluster) -> None:
    cluster.create(STATEFUL_SET, stateful_set())
    assert names(cluster) == ["db-0"]
    cluster.wait(3)
    assert names(cluster) == ["db-0", "db-1"]
    assert [c["metadata"]["name"] for c in cluster.all(VOLUME_CLAIM)] == ["data-db-0", "data-db-1"]
    assert {c["status"]["phase"] for c in cluster.all(VOLUME_CLAIM)} == {"Bound"}
    status = cluster.get(STATEFUL_SET, "db")["status"]
    assert [status[f] for f in ("replicas", "readyReplicas", "updatedReplicas", "observedGeneration")] == [2, 2, 2, 1]
    assert status["currentRevision"] == status["updateRevision"]


def _change(cluster: EmulatedCluster, kind: Any, name: str, **spec: Any) -> None:
    cluster.emulator.registry.change(Key(kind, HOME, name), lambda target: target["spec"].update(spec))


@pytest.mark.parametrize(("partition", "updated"), [(0, 2), (1, 1)])
def test_a_new_template_replaces_the_pods_down_to_the_partition(
    cluster: EmulatedCluster, partition: int, updated: int
) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"partition": partition}}
    cluster.create(STATEFUL_SET, stateful_set(updateStrategy=strategy))
    cluster.wait(3)
    cluster.emulator.registry.change(
        Key(STATEFUL_SET, HOME, "db"),
        lambda target: target["spec"]["template"]["metadata"].update(annotations={"wave": "2"}),
    )
    cluster.wait(10)
    status = cluster.get(STATEFUL_SET, "db")["status"]
    assert (status["readyReplicas"], status["updatedReplicas"]) == (2, updated)
    assert (status["currentRevision"] == status["updateRevision"]) is (partition == 0)


def test_on_delete_nobody_replaces_pods(cluster: EmulatedCluster) -> None:
    cluster.create(STATEFUL_SET, stateful_set(updateStrategy={"type": "OnDelete"}))
    cluster.wait(3)
    before = [pod["metadata"]["uid"] for pod in cluster.all(POD)]
    cluster.emulator.registry.change(
        Key(STATEFUL_SET, HOME, "db"),
        lambda target: target["spec"]["template"]["metadata"].update(annotations={"wave": "2"}),
    )
    cluster.wait(5)
    assert [pod["metadata"]["uid"] for pod in cluster.all(POD)] == before
    assert "updatedReplicas" not in cluster.get(STATEFUL_SET, "db")["status"]


def test_claims_stay_when_a_stateful_set_shrinks_or_goes(cluster: EmulatedCluster) -> None:
    cluster.create(STATEFUL_SET, stateful_set(podManagementPolicy="Parallel"))
    assert names(cluster) == ["db-0", "db-1"]
    cluster.wait(2)
    _change(cluster, STATEFUL_SET, "db", replicas=1)
    cluster.wait(2)
    assert names(cluster) == ["db-0"]
    deletion.delete(cluster.emulator.registry, Key(STATEFUL_SET, HOME, "db"))
    cluster.wait(2)
    assert names(cluster) == []
    assert len(cluster.all(VOLUME_CLAIM)) == 2


def test_a_quota_keeps_a_stateful_sets_pod_away_and_an_event_says_so(cluster: EmulatedCluster) -> None:
    cluster.create(QUOTA, {"metadata": {"name": "plan"}, "spec": {"hard": {"pods": "0"}}})
    cluster.create(STATEFUL_SET, stateful_set())
    assert "exceeded quota: plan" in cluster.words()["FailedCreate"]
    assert cluster.get(STATEFUL_SET, "db")["status"]["replicas"] == 0


def test_a_pod_waits_for_its_claim_until_the_class_exists(cluster: EmulatedCluster) -> None:
    claims = [{"metadata": {"name": "data"}, "spec": CLAIM | {"storageClassName": "fast"}}]
    cluster.create(STATEFUL_SET, stateful_set(1, volumeClaimTemplates=claims))
    cluster.wait(2)
    assert cluster.words()["ProvisioningFailed"] == 'storageclass.storage.k8s.io "fast" not found'
    assert "unbound immediate PersistentVolumeClaims" in cluster.words()["FailedScheduling"]
    assert cluster.all(VOLUME_CLAIM)[0]["status"] == {"phase": "Pending"}
    cluster.create(STORAGE_CLASS, {"metadata": {"name": "fast"}, "provisioner": "x"}, "")
    cluster.wait(2)
    assert cluster.get(STATEFUL_SET, "db")["status"]["readyReplicas"] == 1


def test_a_claim_waits_for_its_first_consumer(cluster: EmulatedCluster) -> None:
    late = {"metadata": {"name": "late"}, "provisioner": "x", "volumeBindingMode": "WaitForFirstConsumer"}
    cluster.create(STORAGE_CLASS, late, "")
    cluster.create(VOLUME_CLAIM, {"metadata": {"name": "data"}, "spec": CLAIM | {"storageClassName": "late"}})
    cluster.wait(2)
    assert cluster.get(VOLUME_CLAIM, "data")["status"]["phase"] == "Pending"
    assert "WaitForFirstConsumer" in cluster.words()
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    pod = {"metadata": {"name": "one"}, "spec": template(volumes=volumes)["spec"]}
    cluster.create(POD, pod)
    cluster.wait(2)
    assert cluster.get(VOLUME_CLAIM, "data")["status"]["phase"] == "Bound"
    assert cluster.get(POD, "one")["status"]["phase"] == "Running"


def test_a_daemon_set_runs_on_the_node_and_is_replaced(cluster: EmulatedCluster) -> None:
    body = {
        "metadata": {"name": "agent"},
        "spec": {"selector": {"matchLabels": {"app": "db"}}, "template": template()},
    }
    cluster.create(DAEMON_SET, body)
    cluster.wait(1)
    status = cluster.get(DAEMON_SET, "agent")["status"]
    counts = ("desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady")
    assert [status[name] for name in counts] == [1, 1, 1, 1]
    (before,) = names(cluster)
    _change(cluster, DAEMON_SET, "agent", template=template(priority=1))
    cluster.wait(3)
    assert len(names(cluster)) == 1
    assert names(cluster) != [before]
    assert cluster.get(DAEMON_SET, "agent")["status"]["updatedNumberScheduled"] == 1


def test_a_slow_start_does_not_keep_a_job_from_its_end(cluster: EmulatedCluster) -> None:
    """It concerns when a pod is ready; nobody waits for a Job's pod to be ready."""
    cluster.fault("slow-start", seconds=600)
    cluster.create(JOB, job())
    cluster.wait(5)
    assert cluster.get(JOB, "seed")["status"]["succeeded"] == 1


def test_a_job_runs_to_completion(cluster: EmulatedCluster) -> None:
    cluster.create(JOB, job(completions=2))
    assert cluster.get(JOB, "seed")["status"]["active"] == 1
    cluster.wait(5)
    status = cluster.get(JOB, "seed")["status"]
    assert (ended(cluster), status["succeeded"]) == ("Complete", 2)
    assert "active" not in status
    assert {pod["status"]["phase"] for pod in cluster.all(POD)} == {"Succeeded"}


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_a_job_whose_pods_keep_failing_has_failed(cluster: EmulatedCluster, policy: str) -> None:
    cluster.fault("crash-loop-backoff")
    cluster.create(JOB, job(backoffLimit=1, template=template(restartPolicy=policy)))
    cluster.wait(60)
    (condition,) = cluster.get(JOB, "seed")["status"]["conditions"]
    assert (condition["type"], condition["reason"]) == ("Failed", "BackoffLimitExceeded")
    assert "BackoffLimitExceeded" in cluster.words()


def test_a_suspended_job_has_no_pods_until_it_is_resumed(cluster: EmulatedCluster) -> None:
    cluster.create(JOB, job(suspend=True))
    assert (ended(cluster), names(cluster)) == ("Suspended", [])
    _change(cluster, JOB, "seed", suspend=False)
    cluster.wait(5)
    assert ended(cluster) == "Complete"


def test_a_job_goes_some_time_after_its_end(cluster: EmulatedCluster) -> None:
    cluster.create(JOB, job(ttlSecondsAfterFinished=30))
    cluster.wait(5)
    assert ended(cluster) == "Complete"
    cluster.wait(40)
    assert cluster.all(JOB) == []
    assert names(cluster) == []


@pytest.mark.parametrize(
    ("kind", "body", "words"),
    [
        (JOB, job(template=template()), 'supported values: "OnFailure", "Never"'),
        (VOLUME_CLAIM, {"metadata": {"name": "a"}, "spec": {}}, "at least 1 access mode is required"),
        (STATEFUL_SET, stateful_set(volumeClaimTemplates=[]), 'volumeMounts[0].name: Not found: "data"'),
    ],
)
def test_what_the_real_server_refuses_is_refused(cluster: EmulatedCluster, kind: Any, body: Document, words: str):
    with pytest.raises(ApiError) as raised:
        cluster.create(kind, body)
    assert words in raised.value.message
