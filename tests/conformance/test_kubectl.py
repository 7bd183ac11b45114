"""kubectl against the server, as an operator would use it."""

import json

from .kubectl import Kubectl
from .manifests import config_map, deployment, idle


def test_it_knows_the_short_names(kubectl: Kubectl) -> None:
    listed = kubectl("api-resources", "--no-headers")
    assert "deploy" in listed
    assert "netpol" in listed


def test_it_creates_with_validation(kubectl: Kubectl) -> None:
    assert "configmap/settings created" in kubectl("create", "-f", "-", manifest=config_map())


def test_it_refuses_an_unknown_field(kubectl: Kubectl) -> None:
    body = idle()
    body["spec"]["replicaz"] = 1
    done = kubectl.run("create", "--validate=strict", "-f", "-", stdin=json.dumps(body))
    assert done.returncode
    assert 'unknown field "spec.replicaz"' in done.stderr


def test_it_applies_and_applies_again(kubectl: Kubectl) -> None:
    assert "created" in kubectl("apply", "-f", "-", manifest=idle())
    assert "unchanged" in kubectl("apply", "-f", "-", manifest=idle())
    assert "configured" in kubectl("apply", "-f", "-", manifest=idle(extra="yes"))


def test_it_applies_on_the_server(kubectl: Kubectl) -> None:
    assert "serverside-applied" in kubectl("apply", "--server-side", "-f", "-", manifest=idle())
    assert "serverside-applied" in kubectl("apply", "--server-side", "-f", "-", manifest=idle(extra="yes"))


def test_it_shows_differences(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", manifest=config_map())
    done = kubectl.run("diff", "-f", "-", stdin=json.dumps(config_map(data={"a": "2"})))
    assert done.returncode == 1, done.stderr
    assert '+  a: "2"' in done.stdout


def test_it_prints_the_servers_columns(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", manifest=deployment())
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    header, row = kubectl("get", "deployments").splitlines()[:2]
    assert header.split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]
    assert row.split()[:4] == ["web", "1/1", "1", "1"]
    pods = kubectl("get", "pods")
    assert pods.split()[:5] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert "2/2" in pods
    assert "Running" in pods


def test_it_gets_all(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", manifest=idle())
    assert "deployment.apps/web" in kubectl("get", "all", "-o", "name")


def test_it_waits_scales_and_restarts(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", manifest=deployment())
    kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=30s")
    assert "scaled" in kubectl("scale", "deployment/web", "--replicas=2")
    assert "restarted" in kubectl("rollout", "restart", "deployment/web")
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", "--timeout=30s")


def test_it_undoes_a_rollout(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", manifest=deployment())
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("set", "env", "deployment/web", "WAVE=2")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    assert "rolled back" in kubectl("rollout", "undo", "deployment/web")
    assert "WAVE" not in kubectl("get", "deployment/web", "-o", "json")
    assert kubectl("rollout", "history", "deployment/web").split()[-4:] == ["2", "<none>", "3", "<none>"]


def test_it_describes_with_events(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", manifest=deployment())
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    assert "ScalingReplicaSet" in kubectl("describe", "deployment/web")
    assert "Scheduled" in kubectl("describe", "pods")


def test_it_labels_and_annotates(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", manifest=config_map())
    kubectl("label", "configmap/settings", "colour=red")
    kubectl("annotate", "configmap/settings", "note=here")
    kubectl("label", "configmap/settings", "colour-")
    found = json.loads(kubectl("get", "configmap/settings", "-o", "json"))["metadata"]
    assert "labels" not in found or "colour" not in found["labels"]
    assert found["annotations"]["note"] == "here"


def test_it_watches(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", manifest=deployment())
    out = kubectl("get", "pods", "--watch", "--request-timeout=2s", "-o", "name")
    assert "pod/web-" in out


def test_it_says_what_one_may_do(kubectl: Kubectl) -> None:
    assert kubectl("auth", "can-i", "create", "deployments").strip() == "yes"


def test_it_deletes_and_waits(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", manifest=deployment())
    assert "deleted" in kubectl("delete", "deployment/web", "--timeout=30s")
    assert kubectl.run("get", "deployment/web").returncode
