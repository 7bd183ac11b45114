"""When a release with several workloads is ready, and which one is named when it is not."""

from typing import Any

import pytest

from tenancy.adapters.label_selectors import selected
from tenancy.adapters.pod_reasons import PodReason
from tenancy.adapters.readiness_rules import RULES
from tenancy.adapters.readiness_rules.volume_claim import unbound_reason
from tenancy.adapters.release_readiness import ReleaseObject, release_readiness
from tenancy.adapters.waiting_pods import Surroundings
from tenancy.adapters.workload_readiness import Readiness
from tenancy.saga.causes import Cause

Document = dict[str, Any]
API_VERSIONS = {kind: version for version, kind in reversed(list(RULES))} | {"Certificate": "cert-manager.io/v1"}


def document(kind: str, name: str, spec: Document | None = None, **status: Any) -> Document:
    return {
        "apiVersion": API_VERSIONS[kind],
        "kind": kind,
        "metadata": {"name": name, "generation": 1},
        "spec": spec or {},
        "status": status,
    }


def observed(live: Document, asked: Document | None = None, **around: Any) -> ReleaseObject:
    manifest = {key: live[key] for key in ("apiVersion", "kind", "metadata", "spec")}
    return ReleaseObject(asked or manifest, live, Surroundings(**around))


def judge(*objects: ReleaseObject, replicas: int = 3) -> Readiness:
    return release_readiness(objects, "acme", replicas)


def deployment(name: str = "acme", available: int = 3, replicas: int = 3) -> ReleaseObject:
    counts = {"availableReplicas": available, "updatedReplicas": replicas, "replicas": replicas}
    return observed(document("Deployment", name, {"replicas": replicas}, observedGeneration=1, **counts))


def stateful_set(spec: Document | None = None, asked: Document | None = None, **status: Any) -> ReleaseObject:
    counts = {"replicas": 3, "readyReplicas": 3, "updatedReplicas": 3, "observedGeneration": 1}
    revisions = {"currentRevision": "a", "updateRevision": "a"}
    return observed(document("StatefulSet", "acme-db", {"replicas": 3} | (spec or {}), **(counts | revisions | status)))


def daemon_set(spec: Document | None = None, **status: Any) -> ReleaseObject:
    counts = {"desiredNumberScheduled": 2, "numberAvailable": 2, "updatedNumberScheduled": 2, "observedGeneration": 1}
    return observed(document("DaemonSet", "acme-agent", spec, **(counts | status)))


def condition(kind: str, status: str = "True", **more: Any) -> Document:
    return {"type": kind, "status": status, **more}


def job(*conditions: Document, **spec: Any) -> ReleaseObject:
    return observed(document("Job", "acme-seed", spec, conditions=list(conditions)))


def claim(phase: str, *events: Document) -> ReleaseObject:
    live = document("PersistentVolumeClaim", "acme-data", phase=phase)
    reason = unbound_reason(live, events)
    return observed(live, unbound={"acme-data": reason} if reason else {})


def event(reason: str, message: str, about: str = "acme-data") -> Document:
    involved = {"kind": "PersistentVolumeClaim", "name": about}
    return {"reason": reason, "message": message, "involvedObject": involved}


def route(*parents: Document, named: int = 1, generation: int = 1, **reference: Any) -> ReleaseObject:
    spec = {"parentRefs": [{"name": f"gateway-{number}", **reference} for number in range(named)]}
    live = document("HTTPRoute", "acme-web", spec, parents=list(parents))
    live["metadata"]["generation"] = generation
    return observed(live)


def parent(*conditions: Document, name: str = "gateway-0", **reference: Any) -> Document:
    return {"parentRef": {"name": name, **reference}, "conditions": list(conditions)}


ACCEPTED = (condition("Accepted", observedGeneration=1), condition("ResolvedRefs", observedGeneration=1))
ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}
PARTITION = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}}
READY = {
    "a Deployment": deployment("acme-worker", 1, 1),
    "a StatefulSet": stateful_set(),
    "its pods below the partition are older": stateful_set(PARTITION, updatedReplicas=1, updateRevision="b"),
    "nobody updates its pods": stateful_set(ON_DELETE, updatedReplicas=0, updateRevision="b"),
    "a DaemonSet": daemon_set(),
    "a DaemonSet for no node": daemon_set(desiredNumberScheduled=0, numberAvailable=0, updatedNumberScheduled=0),
    "nobody updates the pods of a DaemonSet": daemon_set(ON_DELETE, updatedNumberScheduled=0),
    "a complete Job": job(condition("Complete")),
    "a Job that the chart made suspended": job(suspend=True),
    "a bound claim": claim("Bound"),
    "a claim that waits for its first pod": claim("Pending", event("WaitForFirstConsumer", "waiting for first")),
    "a Pod": observed(document("Pod", "acme-tool", conditions=[condition("Ready")])),
    "a Pod that has ended well": observed(document("Pod", "acme-tool", phase="Succeeded")),
    "a custom resource": observed(document("Certificate", "acme", conditions=[condition("Ready")])),
    "one that is available": observed(document("Certificate", "acme", conditions=[condition("Available")])),
    "one without conditions": observed(document("Certificate", "acme")),
    "a route": route(parent(*ACCEPTED)),
    "a route whose controller writes the defaults out": route(
        parent(*ACCEPTED, group="gateway.networking.k8s.io", kind="Gateway", namespace="gateways"), namespace="gateways"
    ),
    "a route that names no Gateway": route(named=0),
    "a route beside the answer of a Gateway that it names no more": route(
        parent(*ACCEPTED), parent(condition("Accepted", "False"), name="old")
    ),
    "a route to two Gateways": route(parent(*ACCEPTED), parent(*ACCEPTED, name="gateway-1"), named=2),
}


@pytest.mark.parametrize("each", READY)
def test_ready(each: str):
    assert judge(READY[each]).ready
    assert judge(deployment(), READY[each]) == Readiness(ready=True, reason="all 2 workloads are ready")


UNREADY = {
    "Deployment acme-worker: 0 of 1 pods ready": deployment("acme-worker", 0, 1),
    "StatefulSet acme-db: 0 of 3 pods ready": stateful_set(readyReplicas=0),
    "StatefulSet acme-db: 3 of 3 pods ready, 1 of 3 updated": stateful_set(updatedReplicas=1),
    "StatefulSet acme-db: 3 of 3 pods ready, 3 of 3 updated": stateful_set(updateRevision="b"),
    "StatefulSet acme-db: 3 of 3 pods ready, 0 of 1 updated": stateful_set(PARTITION, updatedReplicas=0),
    "StatefulSet acme-db: 2 of 3 pods ready": stateful_set(ON_DELETE, readyReplicas=2),
    "StatefulSet acme-db: 3 of 3 pods ready": stateful_set(observedGeneration=0),
    "DaemonSet acme-agent: 1 of 2 pods ready": daemon_set(numberAvailable=1),
    "DaemonSet acme-agent: 2 of 2 pods ready, 1 of 2 updated": daemon_set(updatedNumberScheduled=1),
    "DaemonSet acme-agent: the cluster has not counted its nodes yet": daemon_set(observedGeneration=0),
    "Job acme-seed: not complete": job(),
    "Job acme-seed: not complete; it is suspended": observed(
        document("Job", "acme-seed", {"suspend": True}), {**document("Job", "acme-seed"), "spec": {}}
    ),
    "PersistentVolumeClaim acme-data: pending": claim("Pending"),
    "PersistentVolumeClaim acme-data: lost": claim("Lost"),
    "PersistentVolumeClaim acme-data: pending; ProvisioningFailed: no class x": claim(
        "Pending",
        event("ExternalProvisioning", "wait"),
        event("ProvisioningFailed", "no class x"),
        event("A", "b", "c"),
    ),
    "Pod acme-tool: not ready": observed(document("Pod", "acme-tool", phase="Pending")),
    "Pod acme-tool: not ready; the readiness probe has not succeeded yet": observed(
        document("Pod", "acme-tool", phase="Running")
    ),
    "Certificate acme: not ready; Issuing: no issuer": observed(
        document("Certificate", "acme", conditions=[condition("Ready", "False", reason="Issuing", message="no issuer")])
    ),
    "HTTPRoute acme-web: not accepted; Gateway gateway-0 has not answered yet": route(),
    "HTTPRoute acme-web: not accepted; Gateway gateway-1 has not answered yet": route(
        parent(*ACCEPTED), parent(*ACCEPTED), named=2
    ),
    "HTTPRoute acme-web: not accepted; Gateway gateway-0: NotAllowedByListeners: no": route(
        parent(condition("Accepted", "False", reason="NotAllowedByListeners", message="no"), ACCEPTED[1])
    ),
    "HTTPRoute acme-web: not accepted; Gateway gateway-1: BackendNotFound": route(
        parent(*ACCEPTED),
        parent(ACCEPTED[0], condition("ResolvedRefs", "False", reason="BackendNotFound"), name="gateway-1"),
        named=2,
    ),
    "HTTPRoute acme-web: not accepted; Gateway gateway-0: Accepted is not known yet": route(parent()),
    "HTTPRoute acme-web: not accepted; Gateway gateway-0 has not acted on its newest specification yet": route(
        parent(*ACCEPTED), generation=2
    ),
    "Certificate acme: not ready": observed(document("Certificate", "acme", conditions=[condition("Issuing")])),
    "Certificate acme: its controller has not acted on its newest specification yet": observed(
        document("Certificate", "acme", conditions=[condition("Ready")], observedGeneration=0)
    ),
}


@pytest.mark.parametrize("reason", UNREADY)
def test_the_object_that_is_not_ready_is_named(reason: str):
    for others in ((), (deployment(),)):
        found = judge(*others, UNREADY[reason])
        assert (found.ready, found.reason, found.final) == (False, reason, False)


def test_the_deployment_with_the_releases_name_has_the_plans_replicas_and_the_others_the_charts():
    both = (deployment("acme", 3, 3), deployment("acme-worker", 1, 1))
    assert judge(*both, replicas=3).ready
    found = judge(*both, replicas=4)
    assert found.reason == "Deployment acme: 3 of 4 pods ready; scaled to 3 of 4"
    assert found.cause is Cause.CLUSTER_SCALED


def test_gateways_of_one_name_in_two_namespaces_are_two():
    found = judge(route(parent(*ACCEPTED, namespace="another"), namespace="gateways"))
    assert (found.ready, found.reason) == (
        False,
        "HTTPRoute acme-web: not accepted; Gateway gateway-0 has not answered yet",
    )


def test_a_single_deployment_is_not_named():
    assert judge(deployment(available=1)).reason == "1 of 3 pods ready"
    assert judge(ReleaseObject(deployment().asked, None)).reason == "the Deployment does not exist"


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet"])
def test_others_are_scaled_down_when_they_have_less_than_the_chart_states(kind: str):
    live = document(kind, "acme-db", {"replicas": 0}, observedGeneration=1, replicas=0, readyReplicas=0)
    live["metadata"]["managedFields"] = [
        {"manager": "keda", "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    ]
    found = judge(observed(live, document(kind, "acme-db", {"replicas": 2})))
    assert found.reason == f"{kind} acme-db: 0 of 2 pods ready; scaled to 0 of 2 by keda"
    assert found.cause is Cause.CLUSTER_SCALED
    autoscaled = judge(observed(live, document(kind, "acme-db", {"template": {}})))
    assert autoscaled.ready, "a chart that states no replicas leaves them to an autoscaler"


def test_what_does_not_exist_is_named():
    assert judge(ReleaseObject(stateful_set().asked, None)).reason == "StatefulSet acme-db does not exist"
    assert judge().reason == "the release has no workload"


def test_a_job_that_the_cluster_deletes_after_its_end_may_be_gone():
    kept = document("Job", "acme-seed")
    swept = document("Job", "acme-seed", {"ttlSecondsAfterFinished": 0})
    assert judge(ReleaseObject(swept, None)).ready
    assert judge(ReleaseObject(kept, None)).reason == "Job acme-seed does not exist"


def test_a_failed_job_can_never_be_ready_and_comes_before_everything_else():
    failed = job(condition("Failed", reason="BackoffLimitExceeded", message="Job has reached the limit"))
    found = judge(deployment(available=0), claim("Pending"), failed)
    assert found.reason == "Job acme-seed failed: BackoffLimitExceeded: Job has reached the limit"
    assert (found.final, found.cause) == (True, Cause.CLUSTER_JOB)


def test_a_pod_that_nobody_makes_again_can_never_be_ready():
    found = judge(observed(document("Pod", "acme-tool", phase="Failed", reason="Evicted", message="no memory")))
    assert (found.final, found.reason) == (True, "Pod acme-tool failed: Evicted: no memory")


def test_what_has_a_known_cause_is_named_first_and_a_claim_before_the_pods_that_need_it():
    assert judge(deployment(available=0), job(), claim("Pending")).cause is Cause.CLUSTER_VOLUME
    assert judge(deployment(available=0), stateful_set(readyReplicas=0)).reason.startswith("Deployment acme")


def pod(name: str, waiting: Document | None = None, phase: str = "Pending", **status: Any) -> Document:
    containers = [{"name": "app", "state": {"waiting": waiting}}] if waiting else []
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": f"data-{name}"}}]
    return {
        "metadata": {"name": name},
        "spec": {"volumes": volumes},
        "status": {"phase": phase, "containerStatuses": containers, **status},
    }


REFUSED = {"reason": "FailedCreate", "message": "Error creating: exceeded quota: plan"}
PULL = {"reason": "ImagePullBackOff", "message": "x"}


@pytest.mark.parametrize(
    ("around", "words", "cause"),
    [
        ({"pods": [pod("acme-db-0", PULL)]}, "ImagePullBackOff: x", Cause.CLUSTER_IMAGE),
        (
            {"warnings": [REFUSED | {"involvedObject": {"kind": "StatefulSet", "name": "acme-db"}}]},
            "FailedCreate: Error creating: exceeded quota: plan",
            Cause.CLUSTER_QUOTA,
        ),
        ({"warnings": [REFUSED | {"involvedObject": {"kind": "StatefulSet", "name": "other"}}]}, "", Cause.UNKNOWN),
        (
            {
                "pods": [pod("acme-db-0")],
                "unbound": {"data-acme-db-0": PodReason("pending; ProvisioningFailed: y", Cause.CLUSTER_VOLUME)},
            },
            "its PersistentVolumeClaim data-acme-db-0 is pending; ProvisioningFailed: y",
            Cause.CLUSTER_VOLUME,
        ),
    ],
)
def test_the_pods_of_a_stateful_set_have_reasons(around: Document, words: str, cause: Cause):
    each = stateful_set(readyReplicas=0)
    found = judge(ReleaseObject(each.asked, each.actual, Surroundings(**around)))
    assert found.reason == "; ".join(filter(None, ("StatefulSet acme-db: 0 of 3 pods ready", words)))
    assert found.cause is cause


def test_the_pods_of_a_job_have_reasons_until_it_ends():
    ended = {"name": "app", "state": {"terminated": {"exitCode": 3}}}
    failed = pod("acme-seed-1", phase="Failed", containerStatuses=[ended])
    running, pulling = pod("acme-seed-2", phase="Running"), pod("acme-seed-3", PULL)
    live = document("Job", "acme-seed")
    assert judge(observed(live, pods=[running])).reason == "Job acme-seed: not complete"
    found = judge(observed(live, pods=[running, failed]))
    assert found.reason == "Job acme-seed: not complete; a pod of it failed (it ended with exit code 3)"
    assert found.cause is Cause.CLUSTER_JOB
    assert judge(observed(live, pods=[failed, pulling])).cause is Cause.CLUSTER_IMAGE


SELECTORS = [
    ({"matchLabels": {"app": "a"}}, True),
    ({"matchLabels": {"app": "b"}}, False),
    ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]}, True),
    ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, False),
    ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
    ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
    ({}, False),
    (None, False),
]


@pytest.mark.parametrize(("selector", "expected"), SELECTORS)
def test_a_workloads_selector_finds_its_pods(selector: Document | None, expected: bool):
    assert bool(selected(selector, [{"metadata": {"name": "x", "labels": {"app": "a"}}}])) is expected
