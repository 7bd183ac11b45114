"""Creating and reading objects: what the server adds, refuses and answers."""

import base64
import json

import pytest
from kubernetes.client import ApiException, AppsV1Api, CoreV1Api, NetworkingV1Api

from .manifests import config_map, deployment, idle, ingress, service


def refusal(error: ApiException) -> dict[str, object]:
    status: dict[str, object] = json.loads(error.body)
    assert status["kind"] == "Status"
    assert status["status"] == "Failure"
    assert status["code"] == error.status
    return status


def test_created_objects_get_their_identity(core: CoreV1Api, namespace: str) -> None:
    metadata = core.create_namespaced_config_map(namespace, config_map()).metadata
    assert metadata.uid
    assert metadata.resource_version.isdigit()
    assert metadata.creation_timestamp
    assert metadata.namespace == namespace


def test_a_second_object_of_that_name_is_refused(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, config_map())
    with pytest.raises(ApiException) as error:
        core.create_namespaced_config_map(namespace, config_map())
    assert (error.value.status, refusal(error.value)["reason"]) == (409, "AlreadyExists")
    assert refusal(error.value)["message"] == 'configmaps "settings" already exists'


def test_a_missing_object_is_404_with_its_name(apps: AppsV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        apps.read_namespaced_deployment("nobody", namespace)
    status = refusal(error.value)
    assert (error.value.status, status["reason"]) == (404, "NotFound")
    assert status["message"] == 'deployments.apps "nobody" not found'


def test_nothing_is_created_in_a_missing_namespace(core: CoreV1Api) -> None:
    with pytest.raises(ApiException) as error:
        core.create_namespaced_config_map("conformance-nowhere", config_map())
    assert error.value.status == 404
    assert 'namespaces "conformance-nowhere" not found' in str(refusal(error.value)["message"])


def test_generate_name_makes_a_name(core: CoreV1Api, namespace: str) -> None:
    body = {"metadata": {"generateName": "some-"}}
    names = {core.create_namespaced_config_map(namespace, body).metadata.name for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith("some-") and len(name) == len("some-") + 5 for name in names)


def test_dry_run_stores_nothing(core: CoreV1Api, namespace: str) -> None:
    made = core.create_namespaced_config_map(namespace, config_map(), dry_run="All")
    assert made.metadata.name == "settings"
    with pytest.raises(ApiException):
        core.read_namespaced_config_map("settings", namespace)


def test_plain_secret_data_is_encoded(core: CoreV1Api, namespace: str) -> None:
    secret = core.create_namespaced_secret(namespace, {"metadata": {"name": "s"}, "stringData": {"k": "välue"}})
    assert base64.b64decode(secret.data["k"]).decode() == "välue"
    assert secret.string_data is None
    assert secret.type == "Opaque"


def test_deployments_get_their_defaults(apps: AppsV1Api, namespace: str) -> None:
    body = idle()
    del body["spec"]["replicas"]
    spec = apps.create_namespaced_deployment(namespace, body, dry_run="All").spec
    assert spec.replicas == 1
    assert spec.strategy.type == "RollingUpdate"
    assert spec.strategy.rolling_update.max_surge == "25%"
    assert spec.progress_deadline_seconds == 600
    assert spec.template.spec.restart_policy == "Always"
    assert spec.template.spec.containers[0].image_pull_policy == "IfNotPresent"


def test_services_get_an_address(core: CoreV1Api, namespace: str) -> None:
    spec = core.create_namespaced_service(namespace, service()).spec
    assert spec.cluster_ip
    assert spec.type == "ClusterIP"


@pytest.mark.parametrize("name", ["Upper", "under_score", "-dash", "a" * 254])
def test_bad_names_are_422(core: CoreV1Api, namespace: str, name: str) -> None:
    with pytest.raises(ApiException) as error:
        core.create_namespaced_config_map(namespace, config_map(name))
    status = refusal(error.value)
    assert (error.value.status, status["reason"]) == (422, "Invalid")
    assert "metadata.name" in str(status["message"])


def test_label_values_have_63_characters_at_most(core: CoreV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        core.create_namespaced_config_map(namespace, config_map(labels={"a": "x" * 64}))
    assert error.value.status == 422
    assert "must be no more than 63" in str(refusal(error.value)["message"])


@pytest.mark.parametrize("key", ["x/y", "a b", "ä"])
def test_a_config_maps_keys_are_plain(core: CoreV1Api, namespace: str, key: str) -> None:
    with pytest.raises(ApiException) as error:
        core.create_namespaced_config_map(namespace, config_map(data={key: "1"}))
    assert error.value.status == 422
    assert "a valid config key must consist of alphanumeric characters" in str(refusal(error.value)["message"])


@pytest.mark.parametrize("amount", ["lots", "1.2.3", "1Q", ""])
def test_a_limit_is_a_quantity(apps: AppsV1Api, namespace: str, amount: str) -> None:
    body = idle()
    body["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"memory": amount}}
    with pytest.raises(ApiException) as error:
        apps.create_namespaced_deployment(namespace, body)
    assert error.value.status in (400, 422)
    assert "quantities must match the regular expression" in str(refusal(error.value)["message"])


@pytest.mark.parametrize("host", ["https://Upper.example.com", "Upper.example.com", "a_b.example.com", "a..b"])
def test_an_ingress_host_is_a_dns_name(networking: NetworkingV1Api, namespace: str, host: str) -> None:
    with pytest.raises(ApiException) as error:
        networking.create_namespaced_ingress(namespace, ingress(host=host))
    assert error.value.status == 422
    assert "spec.rules[0].host" in str(refusal(error.value)["message"])


def test_a_selector_must_match_its_template(apps: AppsV1Api, namespace: str) -> None:
    body = idle()
    body["spec"]["selector"] = {"matchLabels": {"app": "other"}}
    with pytest.raises(ApiException) as error:
        apps.create_namespaced_deployment(namespace, body)
    assert error.value.status == 422
    assert "`selector` does not match template `labels`" in str(refusal(error.value)["message"])


def test_a_container_needs_a_name_and_an_image(apps: AppsV1Api, namespace: str) -> None:
    body = idle()
    body["spec"]["template"]["spec"]["containers"] = [{}]
    with pytest.raises(ApiException) as error:
        apps.create_namespaced_deployment(namespace, body)
    message = str(refusal(error.value)["message"])
    assert "spec.template.spec.containers[0].name: Required value" in message
    assert "spec.template.spec.containers[0].image: Required value" in message


def test_a_wrong_type_is_400(apps: AppsV1Api, namespace: str) -> None:
    body = deployment()
    body["spec"]["replicas"] = "many"
    with pytest.raises(ApiException) as error:
        apps.create_namespaced_deployment(namespace, body)
    assert error.value.status == 400
    assert "cannot be handled as a Deployment" in str(refusal(error.value)["message"])


def test_an_unknown_field_is_400_when_strict(apps: AppsV1Api, namespace: str) -> None:
    body = idle()
    body["spec"]["replicaz"] = 1
    with pytest.raises(ApiException) as error:
        apps.create_namespaced_deployment(namespace, body, field_validation="Strict")
    assert error.value.status == 400
    assert 'unknown field "spec.replicaz"' in str(refusal(error.value)["message"])


def test_an_unknown_field_is_a_warning_otherwise(apps: AppsV1Api, namespace: str) -> None:
    body = idle()
    body["spec"]["replicaz"] = 1
    _, status, headers = apps.create_namespaced_deployment_with_http_info(namespace, body)
    assert status == 201
    assert 'unknown field \\"spec.replicaz\\"' in headers["Warning"]


def test_the_body_must_be_of_the_namespace_in_the_url(core: CoreV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        core.create_namespaced_config_map(namespace, config_map(namespace="default"))
    assert error.value.status == 400
    assert "does not match the namespace sent on the request" in str(refusal(error.value)["message"])


def test_bad_base64_is_400(core: CoreV1Api, namespace: str) -> None:
    with pytest.raises(ApiException) as error:
        core.create_namespaced_secret(namespace, {"metadata": {"name": "s"}, "data": {"k": "%%%"}})
    assert error.value.status == 400
    assert "illegal base64 data" in str(refusal(error.value)["message"])


def test_an_immutable_config_map_stays_as_it_is(core: CoreV1Api, namespace: str) -> None:
    core.create_namespaced_config_map(namespace, {**config_map(), "immutable": True})
    with pytest.raises(ApiException) as error:
        core.patch_namespaced_config_map("settings", namespace, {"data": {"a": "2"}})
    assert error.value.status == 422
    assert "field is immutable when `immutable` is set" in str(refusal(error.value)["message"])
