"""How far a workload is and what keeps it, from the API's own documents."""

from typing import Any

import pytest

from tenancy.adapters.readiness import Workload, readiness


def deployment(ready: int, wanted: int = 3, *conditions: dict[str, Any], **status: Any) -> dict[str, Any]:
    counts = {"availableReplicas": ready, "updatedReplicas": wanted, "replicas": wanted, "observedGeneration": 1}
    return {
        "metadata": {"name": "acme", "generation": 1},
        "spec": {"replicas": wanted},
        "status": {**counts, "conditions": list(conditions), **status},
    }


def pod(name: str = "acme-x", waiting: dict[str, str] | None = None, **status: Any) -> dict[str, Any]:
    containers = [{"state": {"waiting": waiting}}] if waiting else []
    return {"metadata": {"name": name}, "status": {"phase": "Pending", "containerStatuses": containers, **status}}


def warning(message: str, about: str = "acme-x", reason: str = "Unhealthy") -> dict[str, Any]:
    return {"reason": reason, "message": message, "involvedObject": {"name": about}}


def why(*args: Any) -> str:
    seen = readiness(Workload(*args))
    assert not seen.ready
    return seen.why


def test_it_is_ready_when_every_replica_is_available():
    seen = readiness(Workload(deployment(3)))
    assert (seen.ready, seen.why) == (True, "3 of 3 pods ready")


@pytest.mark.parametrize("status", [{"observedGeneration": 0}, {"updatedReplicas": 1}, {"replicas": 4}])
def test_pods_of_an_older_specification_do_not_count(status: dict[str, Any]):
    assert not readiness(Workload(deployment(3, **status))).ready


def test_a_missing_deployment_is_told():
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


def test_a_failing_probe_is_told_by_its_last_event_about_a_pod_that_is_not_ready():
    events = [warning("old"), warning("about another", "gone"), warning("dial tcp 10.1.2.3:8080: refused")]
    told = why(deployment(0), [pod(phase="Running")], events[::1][:1] + events[2:] + events[1:2])
    assert told == "0 of 3 pods ready; Unhealthy: dial tcp its address:8080: refused"


def test_a_running_pod_without_an_event_waits_for_its_probe():
    assert why(deployment(0), [pod(phase="Running")]).endswith("the readiness probe has not succeeded yet")
