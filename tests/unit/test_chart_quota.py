"""Does a chart fit into its namespace's quota? Known before the first tenant, with the numbers."""

from typing import Any

import pytest

from tenancy.activities.deploy_workloads import quota_of
from tenancy.products.chart_quota import quota_problems
from tenancy.saga.platform import Plan
from tenancy.saga.product import ExtraQuota

PLAN = Plan("starter", 10, "pool", 2, "250m", "256Mi")
NONE = ExtraQuota()
LIMITS = {"limits": {"cpu": "250m", "memory": "256Mi"}}


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"containers": list(containers) or [{"name": "app", "resources": LIMITS}], **spec}


def workload(kind: str, *containers: dict[str, Any], init: Any = (), **spec: Any) -> dict[str, Any]:
    template = {"spec": pod(*containers, initContainers=list(init))}
    inner = {"jobTemplate": {"spec": {"template": template}}} if kind == "CronJob" else {"template": template}
    return {"kind": kind, "metadata": {"name": "acme"}, "spec": {**inner, **spec}}


def problems(*documents: dict[str, Any], extra: ExtraQuota = NONE) -> list[str]:
    return list(quota_problems(documents, quota_of(PLAN, extra)))


def test_a_deployment_of_the_plans_replicas_fits_with_the_pod_of_a_rolling_update():
    assert problems(workload("Deployment", replicas=2)) == []
    assert problems(workload("Deployment", replicas=3)) != []


@pytest.mark.parametrize(
    ("second", "needed"),
    [
        (workload("StatefulSet", replicas=2), "pods 5 of 3"),
        (workload("Deployment"), "pods 5 of 3"),
        (workload("Deployment", strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3}}), "pods 5 of 3"),
        (workload("Deployment", strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0}}), "pods 4 of 3"),
        (workload("Deployment", strategy={"rollingUpdate": {"maxSurge": "0%"}}), "pods 4 of 3"),
        (workload("Deployment", strategy={"type": "Recreate"}), "pods 4 of 3"),
        (workload("DaemonSet"), "pods 4 of 3"),
        (workload("Job", parallelism=3), "pods 6 of 3"),
        (workload("CronJob"), "pods 4 of 3"),
        ({"kind": "Pod", "metadata": {"name": "acme"}, "spec": pod()}, "pods 4 of 3"),
    ],
)
def test_a_second_workload_needs_room_of_its_own(second: dict[str, Any], needed: str):
    (problem,) = problems(workload("Deployment", replicas=2), second)
    assert needed in problem
    assert "product.toml, [quota]" in problem
    assert problems(workload("Deployment", replicas=2), second, extra=ExtraQuota(3, "750m", "768Mi")) == []


def test_the_sum_of_the_containers_counts_or_the_greatest_init_container():
    sidecar = {"name": "sidecar", "resources": {"limits": {"cpu": "50m", "memory": "16Mi"}}}
    first = {"name": "first", "resources": {"limits": {"cpu": "2", "memory": "64Mi"}}}
    (problem,) = problems(workload("StatefulSet", {"name": "app", "resources": LIMITS}, sidecar, init=[first]))
    assert "requests.cpu 2 of 750m" in problem
    assert "memory" not in problem


@pytest.mark.parametrize(
    ("resources", "missing"),
    [
        ({}, "requests.cpu, requests.memory, limits.cpu, limits.memory"),
        ({"requests": {"cpu": "1m", "memory": "1Mi"}}, "limits.cpu, limits.memory"),
        ({"limits": {"cpu": "1m"}}, "requests.memory, limits.memory"),
    ],
)
def test_a_container_without_requests_or_limits_is_named(resources: dict[str, Any], missing: str):
    (problem,) = problems(workload("StatefulSet", {"name": "db", "resources": resources}))
    assert problem == (f"the container db of StatefulSet acme has no {missing}: the namespace's quota refuses its pods")


def test_a_limit_range_of_the_chart_gives_what_is_missing():
    limits = {"kind": "LimitRange", "metadata": {"name": "acme"}}
    assert problems(limits, workload("StatefulSet", {"name": "db"})) == []


def test_what_runs_nothing_needs_nothing():
    assert problems({"kind": "ConfigMap", "metadata": {"name": "acme"}}) == []


def test_the_products_own_room_is_added_to_the_plans():
    assert quota_of(PLAN, ExtraQuota(2, "0.5", "1Gi")) == {
        "pods": "5",
        "requests.cpu": "1.25",
        "requests.memory": str(3 * 256 * 1024**2 + 1024**3),
        "limits.cpu": "1.25",
        "limits.memory": str(3 * 256 * 1024**2 + 1024**3),
    }
