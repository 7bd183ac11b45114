"""Why a Job has not ended yet, read from the status of its pod."""

from typing import Any

import pytest

from tenancy.adapters.job_outcome import events_of, is_hopeless, pods_of, why_waiting
from tenancy.adapters.pod_reasons import PodReason
from tenancy.saga.causes import Cause

NOTHING_WRONG = PodReason("")


def ended(code: int) -> dict[str, Any]:
    reason = "Completed" if code == 0 else "Error"
    return {"name": "main", "state": {"terminated": {"exitCode": code, "reason": reason}}}


def waiting(reason: str) -> dict[str, Any]:
    return {"name": "main", "state": {"waiting": {"reason": reason}}}


def pod(phase: str, *containers: dict[str, Any]) -> dict[str, Any]:
    return {"status": {"phase": phase, "containerStatuses": list(containers)}}


@pytest.mark.parametrize(("phase", "code"), [("Succeeded", 0), ("Failed", 3), ("Running", 0), ("Running", 3)])
def test_a_pod_that_has_ended_waits_for_nothing(phase: str, code: int) -> None:
    """The Job controller notes the end of a pod some seconds later."""
    assert why_waiting([pod(phase, ended(code))], []) == NOTHING_WRONG


def test_the_containers_that_have_not_ended_count() -> None:
    reason = why_waiting([pod("Pending", ended(0), waiting("ImagePullBackOff"))], [])
    assert (reason.cause, is_hopeless(reason)) == (Cause.CLUSTER_IMAGE, True)


def test_an_init_container_that_has_ended_waits_for_nothing() -> None:
    starting = pod("Pending", waiting("PodInitializing"))
    starting["status"]["initContainerStatuses"] = [ended(0)]
    assert why_waiting([starting], []) == NOTHING_WRONG


def test_the_pods_of_an_earlier_job_of_the_same_name_do_not_count() -> None:
    job = {"metadata": {"name": "seed", "uid": "second"}}
    earlier, own = ({"metadata": {"ownerReferences": [{"uid": uid}]}} for uid in ("first", "second"))
    assert pods_of(job, [earlier, own, {"metadata": {}}]) == [own]


def test_the_events_of_an_earlier_job_of_the_same_name_do_not_count() -> None:
    job = {"metadata": {"name": "seed", "uid": "second"}}
    earlier, own = ({"involvedObject": {"name": "seed", "uid": uid}} for uid in ("first", "second"))
    assert events_of(job, [earlier, own]) == [own]
