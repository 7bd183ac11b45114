"""The chart of one tenant: what it makes of its values, and which it refuses. Rendered by Helm itself, offline."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tenancy.adapters.helm import Helm, Release
from tenancy.adapters.namespaced_kinds import NAMESPACED
from tenancy.saga.errors import PermanentError
from tenancy.saga.names import is_slug
from tests.products import CHART, CHART_VERSION

KINDS = {"Deployment", "Service", "Ingress", "NetworkPolicy", "Secret", "ServiceAccount"}
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


def test_it_makes_one_of_each_kind_and_all_are_compared_with_the_manifest(objects: dict[str, Any]):
    assert set(objects) == KINDS
    assert set(NAMESPACED) >= KINDS
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


def test_the_dsn_is_in_the_secret_and_nowhere_else(objects: dict[str, Any]):
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


YAML_WORDS = (
    *("true", "false", "yes", "no", "on", "off", "y", "n", "null", "inf", "nan", "nil"),
    *("True", "NO", "Null", "~", "123", "0123", "0x1f", "0o17", "1e3", "1.0", "1_000", "+1", "-1", "12:30:45"),
    *(
        "2026-01-01",
        ".inf",
        ".nan",
        "=",
        "<<",
        "1.0.0",
        "- a",
        "a: b",
        "a #b",
        "*a",
        "&a",
        "!a",
        "{a}",
        "[a]",
        "'",
        "a\\b",
    ),
)
"""What YAML 1.1 or 1.2 reads as something else than the same text."""


def _rendered(**changes: Any) -> dict[str, Any]:
    manifests = helm().render(release(**changes)).values()
    return {document["kind"]: document for text in manifests for document in yaml.safe_load_all(text) if document}


@pytest.mark.parametrize("word", [word for word in YAML_WORDS if is_slug(word)])
def test_a_slug_and_a_platform_that_yaml_reads_as_something_else_stay_texts(word: str):
    tenant = {**VALUES["tenant"], "slug": word, "platform": word, "proof": f"tenancy:{word}:{VALUES['tenant']['id']}"}
    made = _rendered(tenant=tenant, ingress={"domain": "true"})
    for document in made.values():
        labels = document["metadata"]["labels"]
        assert (labels["tenancy.internal/slug"], labels["tenancy.internal/platform"]) == (word, word)
    assert made["Ingress"]["spec"]["rules"][0]["host"] == f"{word}.true"


@pytest.mark.parametrize("word", YAML_WORDS)
def test_every_other_text_that_yaml_reads_as_something_else_stays_a_text(word: str):
    ingress = {"domain": "eu.tenants.test", "className": word, "tlsSecret": word}
    made = _rendered(image={"repository": word, "tag": word}, ingress=ingress)
    assert made["Deployment"]["spec"]["template"]["spec"]["containers"][0]["image"] == f"{word}:{word}"
    spec = made["Ingress"]["spec"]
    assert (spec["ingressClassName"], spec["tls"][0]["secretName"]) == (word, word)


@pytest.mark.parametrize("word", ["true", "no", "y", "null", "1e3", "0x1f", "123"])
def test_a_release_and_its_namespace_may_be_called_so(word: str):
    manifests = helm().render(Release(CHART, word, word, VALUES)).values()
    documents = [document for text in manifests for document in yaml.safe_load_all(text) if document]
    assert {document["metadata"]["name"] for document in documents} == {word}
    assert {document["metadata"]["namespace"] for document in documents} == {word}
    pod = next(d for d in documents if d["kind"] == "Deployment")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == word


@pytest.mark.parametrize("amount", ["1", "100m", "0.5", "1e3", "2.", "1k"])
def test_quantities_stay_texts(amount: str):
    made = _rendered(resources={"cpu": amount, "memory": "1e9"})
    limits = made["Deployment"]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert limits == {"cpu": amount, "memory": "1e9"}


def test_everything_that_a_template_puts_in_is_quoted_but_numbers():
    numbers = {"{{ .Values.replicas }}", "{{ .Values.databasePort }}"}
    for file in (CHART / "templates").iterdir():
        for action in re.findall(r"\{\{[^}]*\}\}", file.read_text()):
            inner = action.strip("{}- ")
            quiet = inner.startswith(("include", "define", "end", "with", "/*", "$"))
            assert quiet or inner.endswith("quote") or action in numbers, f"{file.name}: {action}"
