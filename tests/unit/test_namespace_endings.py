"""Why a namespace is still there, from its own document and its pods."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tenancy.adapters.namespace_deletion import NOT_BEGUN, deletion_status
from tenancy.saga.causes import Cause

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def namespace(*conditions: tuple[str, str, str], finalizers: list[str] | None = None, **spec: Any) -> dict[str, Any]:
    entries = [{"type": kind, "status": status, "message": message} for kind, status, message in conditions]
    return {
        "metadata": {"name": "acme", "finalizers": finalizers or []},
        "spec": {"finalizers": ["kubernetes"], **spec},
        "status": {"phase": "Terminating", **({"conditions": entries} if entries else {})},
    }


def pod(name: str = "web-1", seconds_ago: float | None = 60, **metadata: Any) -> dict[str, Any]:
    due = {} if seconds_ago is None else {"deletionTimestamp": _stamp(NOW - timedelta(seconds=seconds_ago))}
    return {"metadata": {"name": name, **due, **metadata}, "spec": {"nodeName": "node-7"}}


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


REMAIN = ("NamespaceContentRemaining", "True", "Some resources are remaining: pods. has 1 resource instances")
FAILED = (
    "NamespaceDeletionContentFailure",
    "True",
    "Failed to delete all resource types, 1 remaining: unexpected items still remain in namespace: acme for gvr: pods",
)
HELD = ("NamespaceFinalizersRemaining", "True", "Some content has finalizers remaining: example.com/b in 1 instances.")
FINE = ("NamespaceDeletionDiscoveryFailure", "False", "All resources successfully discovered")


def test_without_any_condition_the_cluster_has_not_begun():
    assert deletion_status(namespace()).sentence == NOT_BEGUN


def test_with_conditions_that_are_all_well_nothing_is_reported_to_remain():
    assert deletion_status(namespace(FINE)).sentence == "nothing is reported to remain in it"


@pytest.mark.parametrize("condition", [REMAIN, FAILED, HELD])
def test_what_the_conditions_report_is_reported_and_kept_as_evidence(condition: tuple[str, str, str]):
    status = deletion_status(namespace(FINE, condition), now=NOW)
    assert status.sentence == condition[2].rstrip(".")
    assert (status.cause, dict(status.raw)) == (Cause.CLUSTER_ENDING, {condition[0]: condition[2]})


def test_an_apiservice_that_cannot_be_discovered_is_reported():
    why = ("NamespaceDeletionDiscoveryFailure", "True", "metrics.k8s.io/v1beta1: stale GroupVersion discovery")
    assert "metrics.k8s.io/v1beta1" in deletion_status(namespace(why)).sentence


@pytest.mark.parametrize("conditions", [(), (REMAIN,), (FAILED, REMAIN)])
def test_pods_on_a_dead_node_are_not_reported_as_finalizers(conditions: tuple[tuple[str, str, str], ...]):
    status = deletion_status(namespace(*conditions), [pod("web-2"), pod("web-1")], NOW)
    assert status.sentence.startswith("the pods web-1, web-2 remain because the node node-7 does not respond")
    assert status.cause is Cause.CLUSTER_NODE


@pytest.mark.parametrize("seconds_ago", [None, -30, 0, 9])
def test_pods_within_their_grace_do_not_speak_against_their_node(seconds_ago: float | None):
    assert deletion_status(namespace(REMAIN), [pod(seconds_ago=seconds_ago)], NOW).cause is Cause.CLUSTER_ENDING


def test_a_pod_that_a_finalizer_holds_does_not_speak_against_its_node():
    status = deletion_status(namespace(REMAIN), [pod(finalizers=["example.com/backup"])], NOW)
    assert status.sentence.endswith("the pod web-1 is held by example.com/backup")
    assert status.cause is Cause.CLUSTER_ENDING


def test_the_namespaces_own_finalizers_are_reported():
    assert (
        deletion_status(namespace(finalizers=["a.example/x"])).sentence == "the namespace itself is held by a.example/x"
    )
    own = namespace()
    own["spec"]["finalizers"] = ["kubernetes", "b.example/y"]
    assert deletion_status(own).sentence == "the namespace itself is held by b.example/y"
