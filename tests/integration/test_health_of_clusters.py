"""The health checks of clusters and their ingress: each fault turns its own check, and no other."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tenancy.adapters import cluster_health, ingress_health
from tenancy.adapters.dsn import Dsn
from tenancy.engine.health.check_results import Condition, Health
from tenancy.engine.health.health_check_runner import HealthCheckRunner
from tenancy.engine.health.health_checks import Probes
from tenancy.ledger.ledger import utc_now
from tenancy.saga.errors import PermanentError
from tests.acceptance.runs import wait_until
from tests.clusters import Kubernetes
from tests.conformance.server import EmulatorProcess
from tests.integration.health_platform import CLUSTER, DEGRADED, DOWN, INGRESS, PATIENT, UNKNOWN, check_of, not_ok


@pytest.fixture
def kubernetes(health_cluster: EmulatorProcess) -> Kubernetes:
    return Kubernetes(health_cluster.server)


@contextmanager
def fault_in(kubernetes: Kubernetes, **fault: object) -> Iterator[None]:
    clear = kubernetes.fault(**fault)
    try:
        yield
    finally:
        clear()


@pytest.mark.parametrize(
    ("fault", "state", "sentence"),
    [
        ({"kind": "http-500"}, DOWN, "answered 500"),
        ({"kind": "http-429", "retry_after": 5}, DOWN, "It asks to wait 5 s."),
        ({"kind": "hang"}, DOWN, "nothing within 2 s"),
        ({"kind": "refuse"}, DOWN, "does not respond"),
        ({"kind": "slow", "milliseconds": 1100}, DEGRADED, "to return its version"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_cluster_whose_api_fails_is_reported(
    run_checks: HealthCheckRunner, kubernetes: Kubernetes, fault: dict[str, object], state: Condition, sentence: str
):
    with fault_in(kubernetes, **fault):
        health = run_checks()
    assert not_ok(health) == {CLUSTER: state}
    assert sentence in health.trouble[0].sentence


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "hang", "selector": "tenancy.internal/slug=acme"},
        {"kind": "image-pull-backoff"},
        {"kind": "crash-loop-backoff"},
        {"kind": "slow-start", "seconds": 60},
        {"kind": "quota-exceeded"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_what_is_one_tenants_or_its_workloads_is_not_the_clusters(
    run_checks: HealthCheckRunner, kubernetes: Kubernetes, fault: dict[str, object]
):
    with fault_in(kubernetes, **fault):
        assert not_ok(run_checks()) == {}


def test_a_pod_of_ours_that_no_node_takes_is_the_clusters_trouble(
    run_checks: HealthCheckRunner, kubernetes: Kubernetes
):
    kubernetes.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "stuck"}})
    with fault_in(kubernetes, kind="unschedulable"):
        for name, labels in (("ours", {"app.kubernetes.io/part-of": "tenancy"}), ("theirs", {})):
            pod = {
                "metadata": {"name": name, "labels": labels},
                "spec": {"containers": [{"name": "app", "image": "nothing"}]},
            }
            kubernetes.ask("POST", "/api/v1/namespaces/stuck/pods", pod)
        wait_until(lambda: not_ok(run_checks()) == {CLUSTER: DEGRADED}, "the pod to be reported")
        found = check_of(run_checks, CLUSTER)
    assert found.sentence.startswith("1 pod finds no node: 0/1 nodes are available")
    kubernetes.ask("DELETE", "/api/v1/namespaces/stuck")
    wait_until(lambda: not_ok(run_checks()) == {}, "the pod to be gone")


def test_a_cluster_that_shows_us_neither_nodes_nor_pods_is_well_all_the_same():
    def refused(path: str, *_: str) -> None:
        raise PermanentError("403")

    api = SimpleNamespace(get=lambda path: {"gitVersion": "v1.30.1"}, list_objects=refused)
    status = cluster_health._check(api)  # type: ignore[arg-type]
    assert (status.version, status.nodes, status.nodes_ready, status.pending) == ("v1.30.1", None, None, None)


def test_an_ingress_that_cuts_connections_is_down(run_checks: HealthCheckRunner, kubernetes: Kubernetes):
    with fault_in(kubernetes, kind="ingress-down"):
        health = run_checks()
    assert not_ok(health) == {INGRESS: DOWN}


def test_an_ingress_without_a_server_is_down_and_an_unresolvable_name_is_unknown(probes: Probes, silent_server: Dsn):
    def checked(domain: str, port: int) -> Health:
        broken = replace(probes, ingress=lambda region: ingress_health.check_ingress(domain, port, "The ingress"))
        return HealthCheckRunner(lambda: broken, utc_now, bound_seconds=PATIENT)()

    assert not_ok(checked("eu.tenants.localhost", silent_server.port)) == {INGRESS: DOWN}
    assert not_ok(checked("nowhere.invalid", 80)) == {INGRESS: UNKNOWN}
