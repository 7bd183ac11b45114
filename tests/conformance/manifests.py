"""The objects the suite works with, as documents: small, valid on any cluster, with images that exist (or must not)."""

from typing import Any

IMAGE = "registry.k8s.io/pause:3.10"
ENDING_IMAGE = "registry.k8s.io/e2e-test-images/busybox:1.36.1-1"
NO_IMAGE = "registry.invalid/nothing:1"

Manifest = dict[str, Any]


def deployment(name: str = "web", replicas: int = 1, image: str = IMAGE, **labels: str) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name, **labels}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {
                    "terminationGracePeriodSeconds": 1,
                    "containers": [
                        {"name": "main", "image": image},
                        {"name": "side", "image": image, "env": [{"name": "A", "value": "1"}]},
                    ],
                },
            },
        },
    }


def idle(name: str = "web", **labels: str) -> Manifest:
    """A Deployment that no controller has anything to do for."""
    return deployment(name, replicas=0, **labels)


def config_map(name: str = "settings", data: dict[str, str] | None = None, **metadata: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **metadata},
        "data": data or {"a": "1"},
    }


def pod(name: str = "one", image: str = IMAGE) -> Manifest:
    container = {"name": "main", "image": image}
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def quota(name: str = "limits", **hard: str) -> Manifest:
    spec = {"hard": {key.replace("_", "."): value for key, value in hard.items()}}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": spec}


def service(name: str = "web") -> Manifest:
    ports = [{"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}]
    spec = {"selector": {"app": name}, "ports": ports}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def ingress(name: str = "web", host: str = "web.example.test") -> Manifest:
    backend = {"service": {"name": name, "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {"rules": [rule]},
    }


def _template(name: str, image: str, **spec: Any) -> Manifest:
    containers = [{"name": "main", "image": image}]
    return {
        "metadata": {"labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 1, "containers": containers, **spec},
    }


def claim(name: str = "data", storage_class: str = "") -> Manifest:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    named = {"storageClassName": storage_class} if storage_class else {}
    metadata = {"name": name}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec | named}


def stateful_set(name: str = "db", replicas: int = 1, image: str = IMAGE, *, claims: bool = False) -> Manifest:
    spec = {
        "replicas": replicas,
        "serviceName": name,
        "selector": {"matchLabels": {"app": name}},
        "template": _template(name, image),
    }
    if claims:
        template = claim()
        spec["volumeClaimTemplates"] = [{"metadata": template["metadata"], "spec": template["spec"]}]
    return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name}, "spec": spec}


def daemon_set(name: str = "agent", image: str = IMAGE) -> Manifest:
    spec = {"selector": {"matchLabels": {"app": name}}, "template": _template(name, image)}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name}, "spec": spec}


def job(name: str = "seed", **spec: Any) -> Manifest:
    """Its container ends at once, and well."""
    template = _template(name, ENDING_IMAGE, restartPolicy="Never")
    template["spec"]["containers"][0]["command"] = ["true"]
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {"template": template, **spec}}
