"""The chart of one tenant: what it makes of its values, and which it refuses. Rendered by Helm itself, offline."""

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tenancy.activities.deploy_workloads import CHART, CHART_VERSION
from tenancy.adapters.helm import Helm, Release
from tenancy.adapters.releases import _KINDS
from tenancy.saga.errors import PermanentError

DSN = "postgresql://acme:a-secret@storage:5432/acme"
VALUES: dict[str, Any] = {
    "tenant": {
        "id": "018f0000-0000-7000-8000-00000000acae",
        "slug": "acme",
        "platform": "test",
        "proof": "tenancy:test:018f0000-0000-7000-8000-00000000acae",
    },
    "replicas": 3,
    "resources": {"cpu": "250m", "memory": "256Mi"},
    "database": {"dsn": DSN},
    "ingress": {"domain": "eu.tenants.test"},
}


def helm() -> Helm:
    return Helm(lambda: "", "the cluster")


def release(**changes: Any) -> Release:
    return Release(CHART, "acme-1", "acme-1", {**VALUES, **changes}, secrets=("a-secret",))


@pytest.fixture(scope="module")
def objects() -> dict[str, Any]:
    manifests = helm().render(release()).values()
    return {document["kind"]: document for text in manifests for document in yaml.safe_load_all(text) if document}


def _ports(document: Any) -> Iterator[Any]:
    if isinstance(document, dict):
        yield from document.get("ports") or []
        for value in document.values():
            yield from _ports(value)
    elif isinstance(document, list):
        for value in document:
            yield from _ports(value)


def test_helm_lint_has_nothing_to_say():
    assert helm().lint(release()) == []


def test_it_makes_one_of_each_kind_that_health_is_judged_by(objects: dict[str, Any]):
    assert set(objects) == set(_KINDS)
    assert {document["metadata"]["name"] for document in objects.values()} == {"acme-1"}


def test_every_object_says_whose_it_is(objects: dict[str, Any]):
    for document in objects.values():
        labels, annotations = document["metadata"]["labels"], document["metadata"]["annotations"]
        assert labels["tenancy.internal/tenant-id"] == VALUES["tenant"]["id"]
        assert (labels["tenancy.internal/platform"], labels["tenancy.internal/slug"]) == ("test", "acme")
        assert annotations["tenancy.internal/proof"] == VALUES["tenant"]["proof"]


def test_every_port_names_its_protocol(objects: dict[str, Any]):
    ports = [port for document in objects.values() for port in _ports(document)]
    assert len(ports) == 6
    assert all("protocol" in port for port in ports)


def test_pods_run_as_nobody_with_a_read_only_root_and_the_plans_limits(objects: dict[str, Any]):
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["resources"]["limits"] == container["resources"]["requests"] == VALUES["resources"]
    assert objects["Deployment"]["spec"]["replicas"] == 3
    assert not pod["automountServiceAccountToken"]


def test_the_dsn_stands_in_the_secret_and_nowhere_else(objects: dict[str, Any]):
    reference = objects["Deployment"]["spec"]["template"]["spec"]["containers"][0]["env"][0]["valueFrom"]
    assert reference == {"secretKeyRef": {"name": "acme-1", "key": "dsn"}}
    secret = objects["Secret"]
    assert list(secret["data"]) == ["dsn"]
    assert "a-secret" not in str({kind: document for kind, document in objects.items() if kind != "Secret"})


def test_a_new_dsn_starts_new_pods():
    def checksum(dsn: str) -> str:
        deployment = yaml.safe_load(helm().render(release(database={"dsn": dsn}))["tenant/templates/deployment.yaml"])
        return str(deployment["spec"]["template"]["metadata"]["annotations"]["checksum/dsn"])

    assert checksum(DSN) != checksum(DSN + "2")


def test_it_answers_on_slug_and_domain(objects: dict[str, Any]):
    assert objects["Ingress"]["spec"]["rules"][0]["host"] == "acme.eu.tenants.test"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"replicas": 0}, "/replicas"),
        ({"replicas": "three"}, "/replicas"),
        ({"resources": {"cpu": "lots", "memory": "1Gi"}}, "/resources/cpu"),
        ({"database": {"dsn": "mysql://a-secret"}}, "/database/dsn"),
        ({"tenant": {**VALUES["tenant"], "slug": "Not A Slug"}}, "/tenant/slug"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_values_that_do_not_fit_are_refused_with_their_place_and_without_secrets(changes: dict[str, Any], where: str):
    with pytest.raises(PermanentError, match=where) as refused:
        helm().render(release(**changes))
    assert "a-secret" not in str(refused.value)


def test_attempts_record_the_charts_own_version():
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["version"] == CHART_VERSION
