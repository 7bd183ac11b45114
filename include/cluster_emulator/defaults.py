"""The API server's defaults: fields that a client omits and then finds in the response.

`registry.py` calls `complete` before validation, on create and on every change. It has only the defaults that clients
read: for Helm's readiness (replicas, strategy), server-side apply's idempotency (ports' protocol), and kubectl's
columns.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Final

from cluster_emulator import api_errors
from cluster_emulator.kinds import (
    CONFIG_MAP,
    DAEMON_SET,
    DEPLOYMENT,
    INGRESS,
    JOB,
    NAMESPACE,
    POD,
    REPLICA_SET,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    STORAGE_CLASS,
    VOLUME_CLAIM,
    Kind,
)
from cluster_emulator.objects import Object


def complete(kind: Kind, obj: Object) -> None:
    """Adds the defaults of the kind to the object, in place."""
    obj["apiVersion"], obj["kind"] = kind.group_version, kind.name
    fill = _FILLERS.get(kind)
    if fill:
        fill(obj)


def address(prefix: str, seed: str) -> str:
    """A stable made-up IP address: the emulator routes nothing, and clients only need one."""
    digest = hashlib.sha256(seed.encode()).digest()
    return f"{prefix}.{digest[0]}.{digest[1] % 254 + 1}"


def _namespace(obj: Object) -> None:
    obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    obj.setdefault("status", {}).setdefault("phase", "Active")
    labels = obj["metadata"].get("labels") or {}
    obj["metadata"]["labels"] = {**labels, "kubernetes.io/metadata.name": obj["metadata"]["name"]}


def _secret(obj: Object) -> None:
    plain = obj.pop("stringData", None) or {}
    if plain:
        encoded = {key: base64.b64encode(value.encode()).decode() for key, value in plain.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}
    for key, value in (obj.get("data") or {}).items():
        _must_be_base64(key, value)
    obj.setdefault("type", "Opaque")


def _must_be_base64(key: str, value: str) -> None:
    try:
        base64.b64decode(value or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise api_errors.bad_request(
            f'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0 (data.{key})'
        ) from error


def _config_map(obj: Object) -> None:
    if obj.get("data") is None:
        obj.pop("data", None)


def _service(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] != "ExternalName":
        seed = f"{obj['metadata'].get('namespace')}/{obj['metadata'].get('name')}"
        spec.setdefault("clusterIP", address("10.96", seed))
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        spec.setdefault("internalTrafficPolicy", "Cluster")
    for port in spec.get("ports") or []:
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def _ingress(obj: Object) -> None:
    for rule in obj.setdefault("spec", {}).get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            path.setdefault("pathType", "ImplementationSpecific")


def _replica_set(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    _template(spec)


def _template(spec: Object) -> None:
    _pod_spec(spec.setdefault("template", {}).setdefault("spec", {}))
    spec["template"].setdefault("metadata", {})


def _deployment(obj: Object) -> None:
    _replica_set(obj)
    spec = obj["spec"]
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    spec.setdefault("progressDeadlineSeconds", 600)
    spec.setdefault("revisionHistoryLimit", 10)


def _stateful_set(obj: Object) -> None:
    _replica_set(obj)
    spec = obj["spec"]
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    spec.setdefault("revisionHistoryLimit", 10)
    _counted(obj, "replicas", "availableReplicas")
    for template in spec.get("volumeClaimTemplates") or []:
        template.update(apiVersion="v1", kind=VOLUME_CLAIM.name)
        template.setdefault("status", {}).setdefault("phase", "Pending")
        _volume_claim(template)


def _daemon_set(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    _template(spec)
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    spec.setdefault("revisionHistoryLimit", 10)
    _counted(obj, "currentNumberScheduled", "desiredNumberScheduled", "numberMisscheduled", "numberReady")


def _counted(obj: Object, *fields: str) -> None:
    """Numbers that a status has from the beginning, because clients require them."""
    for name in fields:
        obj.setdefault("status", {}).setdefault(name, 0)


def _job(obj: Object) -> None:
    """The server itself makes the selector of a Job, from its uid."""
    spec = obj.setdefault("spec", {})
    _template(spec)
    for name, value in (("parallelism", 1), ("completions", 1), ("backoffLimit", 6)):
        spec.setdefault(name, value)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    name, uid = obj["metadata"].get("name", ""), obj["metadata"].get("uid", "")
    marks = {"batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name}
    metadata = spec["template"]["metadata"]
    metadata["labels"] = {**(metadata.get("labels") or {}), **marks, "controller-uid": uid, "job-name": name}
    spec.setdefault("selector", {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})


def _volume_claim(obj: Object) -> None:
    obj.setdefault("spec", {}).setdefault("volumeMode", "Filesystem")


def _storage_class(obj: Object) -> None:
    obj.setdefault("reclaimPolicy", "Delete")
    obj.setdefault("volumeBindingMode", "Immediate")


def _pod(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    _pod_spec(spec)
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("serviceAccount", spec["serviceAccountName"])
    spec.setdefault("enableServiceLinks", True)


def _pod_spec(spec: Object) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("securityContext", {})
    if "serviceAccountName" in spec:
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        _container(container)
    for volume in spec.get("volumes") or []:
        for source in ("secret", "configMap"):
            if source in volume:
                volume[source].setdefault("defaultMode", 420)


def _container(container: Object) -> None:
    resources = container.setdefault("resources", {})
    for name, limit in (resources.get("limits") or {}).items():
        resources.setdefault("requests", {}).setdefault(name, limit)
    latest = ":" not in container.get("image", "").rpartition("/")[2]
    container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(probe):
            _probe(container[probe])


def _probe(probe: Object) -> None:
    for name, value in (
        ("timeoutSeconds", 1),
        ("periodSeconds", 10),
        ("successThreshold", 1),
        ("failureThreshold", 3),
    ):
        probe.setdefault(name, value)
    if probe.get("httpGet"):
        probe["httpGet"].setdefault("scheme", "HTTP")
        probe["httpGet"].setdefault("path", "/")


_FILLERS: Final[dict[Kind, Callable[[Object], None]]] = {
    NAMESPACE: _namespace,
    SECRET: _secret,
    CONFIG_MAP: _config_map,
    SERVICE: _service,
    INGRESS: _ingress,
    REPLICA_SET: _replica_set,
    DEPLOYMENT: _deployment,
    STATEFUL_SET: _stateful_set,
    DAEMON_SET: _daemon_set,
    JOB: _job,
    VOLUME_CLAIM: _volume_claim,
    STORAGE_CLASS: _storage_class,
    POD: _pod,
}
