"""What clients ask before anything else: versions, groups, resources, permissions."""

import json

import pytest
from kubernetes import client, dynamic
from kubernetes.client import ApiClient, ApiException, CoreV1Api

from .server import Server


def test_version_names_a_kubernetes_release(api: ApiClient) -> None:
    assert client.VersionApi(api).get_code().git_version.startswith("v1.")


def test_core_group_has_version_v1(api: ApiClient) -> None:
    assert "v1" in client.CoreApi(api).get_api_versions().versions


def test_groups_name_their_preferred_version(api: ApiClient) -> None:
    groups = {g.name: g.preferred_version.group_version for g in client.ApisApi(api).get_api_versions().groups}
    assert groups["apps"] == "apps/v1"
    assert groups["networking.k8s.io"] == "networking.k8s.io/v1"


def test_one_group_can_be_requested(api: ApiClient) -> None:
    assert client.AppsApi(api).get_api_group().preferred_version.version == "v1"


def test_resources_name_kind_scope_and_verbs(api: ApiClient, core: CoreV1Api) -> None:
    listed = {r.name: r for r in core.get_api_resources().resources}
    assert listed["namespaces"].namespaced is False
    assert listed["pods"].kind == "Pod"
    assert {"create", "delete", "get", "list", "patch", "update", "watch"} <= set(listed["secrets"].verbs)


def test_subresources_are_listed(api: ApiClient) -> None:
    names = {r.name for r in client.AppsV1Api(api).get_api_resources().resources}
    assert {"deployments/status", "deployments/scale", "replicasets"} <= names


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        ("v1", "Secret"),
        ("v1", "ResourceQuota"),
        ("v1", "ServiceAccount"),
        ("apps/v1", "Deployment"),
        ("networking.k8s.io/v1", "Ingress"),
        ("networking.k8s.io/v1", "NetworkPolicy"),
        ("discovery.k8s.io/v1", "EndpointSlice"),
        ("policy/v1", "PodDisruptionBudget"),
    ],
)
def test_the_dynamic_client_finds(anything: dynamic.DynamicClient, api_version: str, kind: str) -> None:
    assert anything.resources.get(api_version=api_version, kind=kind).kind == kind


def test_a_wrong_token_is_401(stranger: ApiClient) -> None:
    with pytest.raises(ApiException) as refused:
        CoreV1Api(stranger).list_namespace()
    assert refused.value.status == 401


def test_the_tokens_scheme_may_be_written_small_as_pods_do(api: ApiClient, server: Server) -> None:
    for scheme in ("bearer", "Bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {server.token}"}
        assert api.rest_client.request("GET", f"{server.url}/api/v1/namespaces", headers=headers).status == 200


def test_an_unserved_kind_is_404(anything: dynamic.DynamicClient) -> None:
    with pytest.raises(dynamic.exceptions.ResourceNotFoundError):
        anything.resources.get(api_version="nobody.example/v1", kind="Nothing")


def test_one_may_ask_what_one_may_do(api: ApiClient) -> None:
    asked = {"spec": {"resourceAttributes": {"verb": "create", "resource": "pods", "namespace": "default"}}}
    review = client.AuthorizationV1Api(api).create_self_subject_access_review(asked)
    assert review.status.allowed is True


def test_one_may_ask_who_one_is(api: ApiClient) -> None:
    review = client.AuthenticationV1Api(api).create_self_subject_review({})
    assert review.status.user_info.username


def test_openapi_v3_says_where_each_group_is(server: Server) -> None:
    assert "apis/apps/v1" in json.loads(server.get("/openapi/v3"))["paths"]


def test_openapi_v3_offers_field_validation(server: Server) -> None:
    where = json.loads(server.get("/openapi/v3"))["paths"]["apis/apps/v1"]["serverRelativeURL"]
    paths = json.loads(server.get(where))["paths"]
    patch = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}


def test_the_server_is_alive(server: Server) -> None:
    assert server.get("/readyz") == "ok"
