"""The scale subresource: the replica count of a workload as a document of its own.

`kubectl scale` and autoscalers use it; `verbs.py` calls it for kinds that have one.
"""

from cluster_emulator import api_errors
from cluster_emulator.objects import Object, lookup


def scale_of(workload: Object) -> Object:
    metadata = workload["metadata"]
    names = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    desired = lookup(workload, "spec", "selector", "matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {name: metadata[name] for name in names},
        "spec": _without_zero({"replicas": lookup(workload, "spec", "replicas") or 0}),
        "status": {
            "replicas": lookup(workload, "status", "replicas") or 0,
            "selector": ",".join(f"{key}={value}" for key, value in desired.items()),
        },
    }


def _without_zero(spec: Object) -> Object:
    """Scale's `spec.replicas` is omitted when it is 0 (autoscaling/v1, `omitempty`)."""
    return {name: value for name, value in spec.items() if value}


def scaled(workload: Object, scale: Object) -> Object:
    """The workload with the count the Scale document asks for; 400 when that is no number."""
    metadata = {**workload["metadata"]}
    version = lookup(scale, "metadata", "resourceVersion")
    if version:
        metadata["resourceVersion"] = version
    replicas = lookup(scale, "spec", "replicas") or 0
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise api_errors.bad_request("json: cannot unmarshal value into Go struct field .spec.replicas of type int32")
    return {**workload, "metadata": metadata, "spec": {**workload["spec"], "replicas": replicas}}
