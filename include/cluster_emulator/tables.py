"""The response to `kubectl get`: the server-side Table of a kind, its columns and cells.

Called for requests that accept `as=Table`. The columns are those of a real server for the kinds that operators read;
every other kind has name and age. Ages are texts ("5m"), as the real server sends them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

from cluster_emulator.clock import Clock, parse_stamp
from cluster_emulator.kinds import (
    CONFIG_MAP,
    DAEMON_SET,
    DEPLOYMENT,
    EVENT,
    INGRESS,
    JOB,
    NAMESPACE,
    NODE,
    POD,
    QUOTA,
    REPLICA_SET,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Kind,
)
from cluster_emulator.objects import Json, Object, decode, lookup

Cell: TypeAlias = Callable[[Object], Json]


def _status(*path: str, default: Json = 0) -> Cell:
    return lambda obj: lookup(obj, "status", *path) or default


def _ready_of(obj: Object) -> str:
    return f"{lookup(obj, 'status', 'readyReplicas') or 0}/{lookup(obj, 'spec', 'replicas') or 0}"


def _pod_ready(pod: Object) -> str:
    statuses = lookup(pod, "status", "containerStatuses") or []
    return f"{sum(1 for s in statuses if s['ready'])}/{len(pod['spec']['containers'])}"


def _pod_status(pod: Object) -> str:
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    for status in lookup(pod, "status", "containerStatuses") or []:
        for state in ("waiting", "terminated"):
            reason = lookup(status, "state", state, "reason")
            if reason:
                return str(reason)
    return str(lookup(pod, "status", "phase") or "Pending")


def _restarts(pod: Object) -> str:
    return str(sum(s["restartCount"] for s in lookup(pod, "status", "containerStatuses") or []))


def _ports(service: Object) -> str:
    return ",".join(f"{p['port']}/{p['protocol']}" for p in lookup(service, "spec", "ports") or []) or "<none>"


def _hosts(ingress: Object) -> str:
    return ",".join(rule.get("host", "*") for rule in lookup(ingress, "spec", "rules") or []) or "*"


def _addresses(ingress: Object) -> str:
    given = lookup(ingress, "status", "loadBalancer", "ingress") or []
    return ",".join(entry.get("ip") or entry.get("hostname", "") for entry in given)


def _amounts(section: str) -> Cell:
    def shown(quota: Object) -> str:
        hard, used = lookup(quota, "status", "hard") or {}, lookup(quota, "status", "used") or {}
        mine = [r for r in sorted(hard) if r.startswith("limits.") == (section == "limits")]
        return ", ".join(f"{r}: {used.get(r, '0')}/{hard[r]}" for r in mine)

    return shown


def _job_status(job: Object) -> str:
    ended = {c["type"] for c in lookup(job, "status", "conditions") or [] if c["status"] == "True"}
    return next((kind for kind in ("Complete", "Failed", "Suspended") if kind in ended), "Running")


def _completions(job: Object) -> str:
    return f"{lookup(job, 'status', 'succeeded') or 0}/{lookup(job, 'spec', 'completions')}"


def _node_status(node: Object) -> str:
    ready = [c for c in lookup(node, "status", "conditions") or [] if c["type"] == "Ready"]
    return "Ready" if ready and ready[0]["status"] == "True" else "NotReady"


def _involved(event: Object) -> str:
    about = event["involvedObject"]
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


_COLUMNS: Final[dict[Kind, tuple[tuple[str, Cell], ...]]] = {
    NAMESPACE: (("Status", _status("phase", default="")),),
    NODE: (
        ("Status", _node_status),
        ("Version", lambda node: lookup(node, "status", "nodeInfo", "kubeletVersion")),
    ),
    CONFIG_MAP: (("Data", lambda obj: len(obj.get("data") or {})),),
    SECRET: (("Type", lambda obj: obj.get("type")), ("Data", lambda obj: len(obj.get("data") or {}))),
    SERVICE: (
        ("Type", lambda obj: obj["spec"]["type"]),
        ("Cluster-IP", lambda obj: obj["spec"].get("clusterIP", "<none>")),
        ("External-IP", lambda _obj: "<none>"),
        ("Port(s)", _ports),
    ),
    POD: (("Ready", _pod_ready), ("Status", _pod_status), ("Restarts", _restarts)),
    QUOTA: (("Request", _amounts("request")), ("Limit", _amounts("limits"))),
    DEPLOYMENT: (
        ("Ready", _ready_of),
        ("Up-to-date", _status("updatedReplicas")),
        ("Available", _status("availableReplicas")),
    ),
    REPLICA_SET: (
        ("Desired", lambda obj: lookup(obj, "spec", "replicas") or 0),
        ("Current", _status("replicas")),
        ("Ready", _status("readyReplicas")),
    ),
    STATEFUL_SET: (("Ready", _ready_of),),
    DAEMON_SET: (
        ("Desired", _status("desiredNumberScheduled")),
        ("Current", _status("currentNumberScheduled")),
        ("Ready", _status("numberReady")),
        ("Up-to-date", _status("updatedNumberScheduled")),
        ("Available", _status("numberAvailable")),
    ),
    JOB: (("Status", _job_status), ("Completions", _completions)),
    VOLUME_CLAIM: (
        ("Status", _status("phase", default="")),
        ("Volume", lambda obj: lookup(obj, "spec", "volumeName") or ""),
        ("StorageClass", lambda obj: lookup(obj, "spec", "storageClassName") or ""),
    ),
    INGRESS: (
        ("Class", lambda obj: lookup(obj, "spec", "ingressClassName") or "<none>"),
        ("Hosts", _hosts),
        ("Address", _addresses),
        ("Ports", lambda obj: "80, 443" if lookup(obj, "spec", "tls") else "80"),
    ),
}


def age(stamp: str | None, now: datetime) -> str:
    """An age in kubectl's form: 12s, 5m, 3h, 2d."""
    if not stamp:
        return "<unknown>"
    seconds = max(0, int((now - parse_stamp(stamp)).total_seconds()))
    for unit, size, upto in (("s", 1, 120), ("m", 60, 7200), ("h", 3600, 172_800)):
        if seconds < upto:
            return f"{seconds // size}{unit}"
    return f"{seconds // 86400}d"


def _columns(kind: Kind, now: datetime) -> tuple[tuple[str, Cell], ...]:
    def aged(obj: Object) -> str:
        return age(obj["metadata"].get("creationTimestamp"), now)

    if kind is EVENT:
        return (
            ("Last Seen", lambda obj: age(obj.get("lastTimestamp"), now)),
            ("Type", lambda obj: obj.get("type", "")),
            ("Reason", lambda obj: obj.get("reason", "")),
            ("Object", _involved),
            ("Message", lambda obj: obj.get("message", "")),
        )
    name: tuple[str, Cell] = ("Name", lambda obj: obj["metadata"]["name"])
    return (name, *_COLUMNS.get(kind, ()), ("Age", aged))


def table(kind: Kind, raws: list[bytes], list_metadata: Object, clock: Clock, include: str = "Metadata") -> Object:
    """The Table of these objects. `include`: the part of each object that is included."""
    columns = _columns(kind, clock.now())
    definitions = [
        {
            "name": title,
            "type": "string",
            "format": "name" if title == "Name" else "",
            "description": title,
            "priority": 0,
        }
        for title, _ in columns
    ]
    rows = [_row(obj, columns, include) for obj in map(decode, raws)]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": list_metadata,
        "columnDefinitions": definitions,
        "rows": rows,
    }


def _row(obj: Object, columns: tuple[tuple[str, Cell], ...], include: str) -> Object:
    row: Object = {"cells": [cell(obj) for _, cell in columns]}
    if include == "Object":
        row["object"] = obj
    elif include == "Metadata":
        row["object"] = {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": obj["metadata"],
        }
    return row
