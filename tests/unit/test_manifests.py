"""In what a live object is not as it was made, and who changed it."""

import copy
from typing import Any

import pytest

from tenancy.adapters.manifests import documents, edits

OURS = ("tenancy-helm",)
_APP = 'k:{"name":"app"}'


def asked() -> dict[str, Any]:
    container = {
        "name": "app",
        "image": "registry/app:1",
        "resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}},
        "env": [{"name": "A", "value": "1"}],
        "args": ["serve", "--fast"],
    }
    return {
        "kind": "Deployment",
        "metadata": {"name": "acme"},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [container]}}},
    }


def live(**managers: str) -> dict[str, Any]:
    """As a server keeps it: with defaults, quantities in its own form, and who owns the image and the replicas."""
    document = copy.deepcopy(asked())
    container = document["spec"]["template"]["spec"]["containers"][0]
    container["resources"] = {"limits": {"cpu": "1", "memory": "1Gi"}}
    container["imagePullPolicy"] = "IfNotPresent"
    document["spec"]["strategy"] = {"type": "RollingUpdate"}
    image: dict[str, object] = {"f:template": {"f:spec": {"f:containers": {_APP: {"f:image": {}}}}}}
    document["metadata"]["managedFields"] = [
        {"manager": managers.get("image", OURS[0]), "operation": "Apply", "time": "1", "fieldsV1": {"f:spec": image}},
        {
            "manager": managers.get("replicas", OURS[0]),
            "operation": "Update",
            "time": "2",
            "fieldsV1": {"f:spec": {"f:replicas": {}}},
        },
    ]
    return document


def found(actual: dict[str, Any]) -> list[str]:
    return [str(edit) for edit in edits(asked(), actual, OURS)]


def test_defaults_and_quantities_in_another_form_are_no_edits():
    assert found(live()) == []


@pytest.mark.parametrize("manager", ["kubectl-edit", "argocd", "python-requests"])
def test_an_edited_image_is_reported_with_its_field_manager(manager: str):
    actual = live(image=manager)
    actual["spec"]["template"]["spec"]["containers"][0]["image"] = "registry/app:2"
    image = "spec.template.spec.containers[app].image is registry/app:2, asked for was registry/app:1"
    assert found(actual) == [f"its Deployment was edited: {image} (by {manager})"]


def test_what_an_admission_webhook_changed_as_we_applied_it_is_no_edit():
    actual = live()
    actual["spec"]["template"]["spec"]["containers"][0]["image"] = "mirror.example/registry/app:1"
    assert found(actual) == []


def test_containers_that_were_added_before_ours_are_no_edit():
    actual = live()
    actual["spec"]["template"]["spec"]["containers"].insert(0, {"name": "sidecar", "image": "mesh:1"})
    assert found(actual) == []


@pytest.mark.parametrize(("replicas", "edited"), [(0, True), (1, True), (2, False), (3, False)])
def test_fewer_replicas_are_an_edit_and_more_are_not(replicas: int, edited: bool):
    actual = live(replicas="keda")
    actual["spec"]["replicas"] = replicas
    assert found(actual) == (
        [f"its Deployment was edited: spec.replicas is {replicas}, asked for was 2 (by keda)"] * edited
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [("args", ["serve"]), ("env", []), ("env", [{"name": "A", "value": "2"}]), ("resources", {"limits": {"cpu": "2"}})],
)
def test_any_stated_field_is_compared(field: str, value: Any):
    actual = live()
    actual["spec"]["template"]["spec"]["containers"][0][field] = value
    assert found(actual)


def test_a_secrets_values_are_never_shown():
    secret = {"kind": "Secret", "metadata": {}, "data": {"dsn": "b2xk"}}
    other = {"kind": "Secret", "metadata": {}, "data": {"dsn": "bmV3"}}
    assert [str(edit) for edit in edits(secret, other, OURS)] == ["its Secret was edited: data.dsn"]


def test_a_manifest_is_cut_into_its_documents():
    manifest = "---\n# Source: a\nkind: A\n---\n\n---\napiVersion: v1\nkind: B\nspec: |\n  ---x\n"
    assert [kind for kind, _ in documents(manifest)] == ["A", "B"]
