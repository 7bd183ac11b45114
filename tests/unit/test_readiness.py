"""How far a workload is and what keeps it, from the API's own documents."""

from typing import Any

import pytest

from tenancy.adapters.workload_readiness import Readiness, Workload, readiness
from tenancy.saga.causes import Cause


def deployment(ready: int, desired: int = 3, *conditions: dict[str, Any], **status: Any) -> dict[str, Any]:
    counts = {"availableReplicas": ready, "updatedReplicas": desired, "replicas": desired, "observedGeneration": 1}
    return {
        "metadata": {"name": "acme", "generation": 1},
        "spec": {"replicas": desired},
        "status": {**counts, "conditions": list(conditions), **status},
    }


def pod(name: str = "acme-x", waiting: dict[str, str] | None = None, **status: Any) -> dict[str, Any]:
    containers = [{"state": {"waiting": waiting}}] if waiting else []
    return {"metadata": {"name": name}, "status": {"phase": "Pending", "containerStatuses": containers, **status}}


def warning(message: str, about: str = "acme-x", reason: str = "Unhealthy") -> dict[str, Any]:
    return {"reason": reason, "message": message, "involvedObject": {"name": about}}


def unready(*args: Any, desired: int = 3) -> Readiness:
    found = readiness(Workload(*args), desired)
    assert not found.ready
    return found


def why(*args: Any) -> str:
    return unready(*args).reason


def test_it_is_ready_when_every_replica_is_available():
    status = readiness(Workload(deployment(3)), 3)
    assert (status.ready, status.reason) == (True, "3 of 3 pods ready")


@pytest.mark.parametrize("status", [{"observedGeneration": 0}, {"updatedReplicas": 1}, {"replicas": 4}])
def test_pods_of_an_older_specification_do_not_count(status: dict[str, Any]):
    assert not readiness(Workload(deployment(3, **status)), 3).ready


def test_a_missing_deployment_is_reported():
    assert why(None) == "the Deployment does not exist"


def test_pods_on_their_way_are_only_counted():
    assert why(deployment(2), [pod(waiting={"reason": "ContainerCreating"})]) == "2 of 3 pods ready"


def test_the_waiting_reason_comes_with_its_message():
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "x"'}
    assert why(deployment(0), [pod(waiting=waiting)]) == (
        '0 of 3 pods ready; ImagePullBackOff: Back-off pulling image "x"'
    )


def test_a_crash_loop_reads_the_same_however_long_the_back_off_is():
    def crash(seconds: int, name: str) -> str:
        message = f"back-off {seconds}s restarting failed container=app pod={name}_ns(uid)"
        crashing = pod(name, {"reason": "CrashLoopBackOff", "message": message})
        crashing["status"]["containerStatuses"][0]["lastState"] = {"terminated": {"exitCode": 1}}
        return why(deployment(0), [crashing])

    assert crash(10, "a") == crash(40, "b")
    assert crash(10, "a").endswith("back-off restarting failed container=app (it ended with exit code 1)")


def test_a_pod_that_fits_nowhere_says_what_is_lacking():
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "0/1 nodes are available",
    }
    assert why(deployment(0), [pod(conditions=[condition])]) == (
        "0 of 3 pods ready; Unschedulable: 0/1 nodes are available"
    )


def test_pods_that_cannot_be_made_name_the_quota():
    condition = {
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": "exceeded quota: plan",
    }
    assert why(deployment(0, 3, condition)) == "0 of 3 pods ready; FailedCreate: exceeded quota: plan"


def test_a_failing_probe_is_reported_by_its_last_event_about_a_pod_that_is_not_ready():
    events = [warning("old"), warning("about another", "gone"), warning("dial tcp 10.1.2.3:8080: refused")]
    reason = why(deployment(0), [pod(phase="Running")], events[::1][:1] + events[2:] + events[1:2])
    assert reason == "0 of 3 pods ready; Unhealthy: dial tcp its address:8080: refused"


def test_a_running_pod_without_an_event_waits_for_its_probe():
    assert why(deployment(0), [pod(phase="Running")]).endswith("the readiness probe has not succeeded yet")


def owned_by(manager: str, time: str = "2026-01-02T00:00:00Z", subresource: str = "") -> dict[str, Any]:
    entry = {"manager": manager, "operation": "Update", "time": time, "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    return entry | ({"subresource": subresource} if subresource else {})


def scaled(asked: int, ready: int, *owners: dict[str, Any]) -> dict[str, Any]:
    """A Deployment that is complete by its own specification, which somebody else has written."""
    document = deployment(ready, desired=asked, updatedReplicas=ready)
    document["metadata"]["managedFields"] = list(owners)
    return document


@pytest.mark.parametrize(("asked", "ready"), [(0, 0), (1, 1), (2, 2)])
@pytest.mark.parametrize("manager", ["keda", "kubectl", "kube-controller-manager"])
def test_a_deployment_that_was_scaled_below_the_plan_is_not_ready_and_names_who_did_it(
    asked: int, ready: int, manager: str
):
    found = unready(scaled(asked, ready, owned_by(manager, subresource="scale")))
    assert found.reason == f"{ready} of 3 pods ready; scaled to {asked} of 3 by {manager}"
    assert found.cause is Cause.CLUSTER_SCALED


def test_the_last_field_manager_is_named():
    owners = (owned_by("tenancy-helm", "2026-01-01T00:00:00Z"), owned_by("keda"))
    assert why(scaled(0, 0, *owners)).endswith("scaled to 0 of 3 by keda")


def test_a_scaled_deployment_without_managed_fields_is_not_ready_either():
    assert why(scaled(0, 0)) == "0 of 3 pods ready; scaled to 0 of 3"


def test_pods_that_still_run_do_not_hide_that_it_was_scaled_down():
    assert not readiness(Workload(deployment(3, desired=3) | {"spec": {"replicas": 0}}), 3).ready


def test_more_pods_than_the_plan_has_are_ready():
    assert readiness(Workload(deployment(5, desired=5)), 3).ready


def test_a_paused_rollout_is_reported():
    document = deployment(0)
    document["spec"]["paused"] = True
    assert why(document) == "0 of 3 pods ready; its rollout is paused"


def failure(message: str) -> dict[str, Any]:
    return {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}


REFUSED_PODS = {
    'pods "a-x" is forbidden: exceeded quota: plan, requested: pods=1, used: pods=4, limited: pods=4': (
        Cause.CLUSTER_QUOTA
    ),
    'pods "a-x" is forbidden: maximum memory usage per Container is 64Mi, but limit is 128Mi': Cause.CLUSTER_ADMISSION,
    'pods "a-x" is forbidden: [minimum cpu usage per Pod is 1, maximum memory usage per Pod is 1]': (
        Cause.CLUSTER_ADMISSION
    ),
    'pods "a-x" is forbidden: failed quota: plan: must specify limits.cpu for: app': Cause.CLUSTER_ADMISSION,
    'pods "a-x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true': Cause.CLUSTER_ADMISSION,
    'pods "a-x" is forbidden: error looking up service account a/a: serviceaccount "a" not found': (
        Cause.CLUSTER_ADMISSION
    ),
    'admission webhook "quota.example.com" denied the request: exceeded quota: ours': Cause.CLUSTER_ADMISSION,
    'Internal error occurred: failed calling webhook "a.b": failed to call webhook: Post "https://a": EOF': (
        Cause.CLUSTER_WEBHOOK
    ),
}


@pytest.mark.parametrize("message", REFUSED_PODS)
@pytest.mark.parametrize("prefix", ["", "Error creating: "])
def test_a_refused_pod_is_blamed_on_the_quota_only_when_the_quota_refused_it(message: str, prefix: str):
    found = unready(deployment(0, 3, failure(prefix + message)))
    assert found.cause is REFUSED_PODS[message]
    assert message[-60:] in found.reason
    assert ("admission refused" in found.reason) == (found.cause is Cause.CLUSTER_ADMISSION)


def container(**status: Any) -> dict[str, Any]:
    return pod(phase="Running", containerStatuses=[{"name": "app", "ready": False, **status}])


_ENDED = {"terminated": {"exitCode": 1, "reason": "Error"}}
CRASH_LOOP = (
    container(restartCount=0, state=_ENDED),
    container(restartCount=1, state={"running": {}}, lastState=_ENDED),
    container(restartCount=1, state=_ENDED, lastState=_ENDED),
    container(
        restartCount=2,
        lastState=_ENDED,
        state={
            "waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s restarting failed container=app pod=x"}
        },
    ),
)


@pytest.mark.parametrize("moment", CRASH_LOOP)
@pytest.mark.parametrize(
    "event",
    [
        warning("Back-off restarting failed container app in pod acme-x_ns(1)", reason="BackOff"),
        warning("Readiness probe failed: EOF"),
    ],
)
def test_a_crash_loop_keeps_one_sentence_through_all_its_moments(moment: dict[str, Any], event: dict[str, Any]):
    found = unready(deployment(0), [moment], [event])
    assert found.reason == (
        "0 of 3 pods ready; CrashLoopBackOff: back-off restarting failed container=app (it ended with exit code 1)"
    )
    assert found.cause is Cause.CLUSTER_CRASH


def test_an_init_container_that_has_done_its_work_is_no_crash():
    done = {"name": "init", "ready": True, "state": {"terminated": {"exitCode": 0}}}
    assert why(deployment(0), [pod(initContainerStatuses=[done])]) == "0 of 3 pods ready"


def test_a_pod_that_just_started_is_not_blamed_on_its_probe():
    assert unready(deployment(0), [container(state={"running": {}})]).cause is Cause.UNKNOWN


@pytest.mark.parametrize("counted", [{"count": 1}, {"count": 2}, {"series": {"count": 2}}])
def test_the_first_failures_of_a_probe_are_a_pod_that_starts(counted: dict[str, Any]):
    first = warning("Readiness probe failed: connection refused") | counted
    found = unready(deployment(0), [container(state={"running": {}})], [first])
    assert (found.reason, found.cause) == (
        "0 of 3 pods ready; the readiness probe has not succeeded yet",
        Cause.UNKNOWN,
    )


@pytest.mark.parametrize("counted", [{"count": 3}, {"count": 70}, {"series": {"count": 3}}, {}])
def test_a_probe_that_keeps_failing_is_the_cause(counted: dict[str, Any]):
    failing = warning("Readiness probe failed: connection refused") | counted
    assert unready(deployment(0), [container(state={"running": {}})], [failing]).cause is Cause.CLUSTER_PROBE


EVENTS = [
    ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 500", Cause.CLUSTER_PROBE),
    ("BackOff", 'Back-off pulling image "unhealthy-probe/quota:1"', Cause.CLUSTER_IMAGE),
    ("BackOff", "Back-off restarting failed container app in pod quota_x(1)", Cause.CLUSTER_CRASH),
    ("Failed", 'Failed to pull image "x": Unschedulable', Cause.CLUSTER_IMAGE),
    ("Failed", "Error: ImagePullBackOff", Cause.CLUSTER_IMAGE),
    ("NodeNotReady", "Node is not ready", Cause.CLUSTER_NODE),
    ("FailedScheduling", "0/3 nodes are available: exceeded quota", Cause.CLUSTER_UNSCHEDULABLE),
    ("FailedMount", 'MountVolume failed: secret "exceeded quota: CrashLoopBackOff" not found', Cause.UNKNOWN),
]


@pytest.mark.parametrize(("reason", "message", "cause"), EVENTS)
def test_the_cause_of_a_warning_is_its_reason_and_no_word_of_its_message(reason: str, message: str, cause: Cause):
    assert unready(deployment(0), [pod(phase="Running")], [warning(message, reason=reason)]).cause is cause
