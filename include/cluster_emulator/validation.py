"""The API server's refusals besides wrong shapes: names, labels, selectors, required and immutable fields.

`registry.py` calls `check` on create and on change. It is deliberately not the whole of Kubernetes' validation, only
mistakes that a chart or a client could make, with the real server's messages.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

from cluster_emulator import api_errors, quantities
from cluster_emulator.kinds import (
    CONFIG_MAP,
    DAEMON_SET,
    DEPLOYMENT,
    INGRESS,
    JOB,
    NAMESPACE,
    POD,
    REPLICA_SET,
    ROLE_BINDING,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Kind,
)
from cluster_emulator.objects import Json, Object, lookup
from cluster_emulator.selectors import all_hold, from_label_selector

_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_VALUE: Final = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_LABEL_KEY: Final = re.compile(r"([^/]{1,253}/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_DATA_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_SECRET_LIMIT: Final = 1_048_576

_SUBDOMAIN_WORDS: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_WORDS: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
    "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_VALUE_WORDS: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_KEY_WORDS: Final = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  "
    "or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def check(kind: Kind, obj: Object, before: Object | None = None) -> None:
    """422 with every mistake; `before` is the present object."""
    faults = [*_name_faults(kind, obj), *_label_faults(obj)]
    if inspect := _INSPECTORS.get(kind):
        faults += inspect(obj)
    if before is not None:
        faults += _changed_faults(kind, obj, before)
    if faults:
        raise api_errors.invalid(kind, obj["metadata"].get("name", ""), faults)


def _shown(value: Json) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _name_faults(kind: Kind, obj: Object) -> Iterator[str]:
    name = obj["metadata"].get("name", "")
    if not name:
        yield "metadata.name: Required value: name or generateName is required"
    elif kind in (NAMESPACE, SERVICE) and not _LABEL.fullmatch(name):
        words = "must be no more than 63 characters" if len(name) > 63 else _LABEL_WORDS
        yield f"metadata.name: Invalid value: {_shown(name)}: {words}"
    elif len(name) > 253:
        yield f"metadata.name: Invalid value: {_shown(name)}: must be no more than 253 characters"
    elif not _SUBDOMAIN.fullmatch(name) and "rbac" not in kind.group:
        yield f"metadata.name: Invalid value: {_shown(name)}: {_SUBDOMAIN_WORDS}"


def _label_faults(obj: Object, field: str = "metadata.labels") -> Iterator[str]:
    for key, value in (obj["metadata"].get("labels") or {}).items():
        if len(value) > 63:
            yield f"{field}: Invalid value: {_shown(value)}: must be no more than 63 characters"
        elif not _LABEL_VALUE.fullmatch(value):
            yield f"{field}: Invalid value: {_shown(value)}: {_VALUE_WORDS}"
        if not _LABEL_KEY.fullmatch(key) or len(key.rpartition("/")[2]) > 63:
            yield f"{field}: Invalid value: {_shown(key)}: name part must be no more than 63 characters"


def _workload(obj: Object) -> Iterator[str]:
    spec = obj.get("spec") or {}
    if spec.get("replicas", 0) < 0:
        yield f"spec.replicas: Invalid value: {spec['replicas']}: must be greater than or equal to 0"
    selector, template = spec.get("selector"), spec.get("template") or {}
    labels = lookup(template, "metadata", "labels") or {}
    if not selector:
        yield "spec.selector: Required value"
    elif not all_hold(from_label_selector(selector), labels):
        yield (
            f"spec.template.metadata.labels: Invalid value: {_shown(labels)}: "
            "`selector` does not match template `labels`"
        )
    claimed = {lookup(each, "metadata", "name") for each in spec.get("volumeClaimTemplates") or []}
    yield from _pod_spec(template.get("spec") or {}, "spec.template.spec", claimed)
    policy = lookup(template, "spec", "restartPolicy")
    if policy not in (None, "Always"):
        yield f'spec.template.spec.restartPolicy: Unsupported value: "{policy}": supported values: "Always"'


def _job(obj: Object) -> Iterator[str]:
    spec = lookup(obj, "spec", "template", "spec") or {}
    yield from _pod_spec(spec, "spec.template.spec")
    policy = spec.get("restartPolicy")
    if policy not in ("OnFailure", "Never"):
        yield (
            f'spec.template.spec.restartPolicy: Unsupported value: "{policy}": supported values: "OnFailure", "Never"'
        )


def _volume_claim(obj: Object) -> Iterator[str]:
    spec = obj.get("spec") or {}
    if not spec.get("accessModes"):
        yield "spec.accessModes: Required value: at least 1 access mode is required"
    if not lookup(spec, "resources", "requests", "storage"):
        yield "spec.resources[storage]: Required value"
    yield from _amounts(lookup(spec, "resources", "requests") or {}, "spec.resources.requests")


def _pod(obj: Object) -> Iterator[str]:
    return _pod_spec(obj.get("spec") or {}, "spec")


def _pod_spec(spec: Object, field: str, claimed: Collection[str] = ()) -> Iterator[str]:
    containers = spec.get("containers") or []
    if not containers:
        yield f"{field}.containers: Required value"
    volumes = {volume.get("name") for volume in spec.get("volumes") or []} | set(claimed)
    values: set[str] = set()
    for i, container in enumerate(containers):
        here = f"{field}.containers[{i}]"
        yield from _container(container, here, values)
        for j, mount in enumerate(container.get("volumeMounts") or []):
            if mount.get("name") not in volumes:
                yield f'{here}.volumeMounts[{j}].name: Not found: "{mount.get("name")}"'


def _container(container: Object, field: str, values: set[str]) -> Iterator[str]:
    name = container.get("name", "")
    if not name:
        yield f"{field}.name: Required value"
    elif not _LABEL.fullmatch(name):
        yield f"{field}.name: Invalid value: {_shown(name)}: {_LABEL_WORDS}"
    elif name in values:
        yield f"{field}.name: Duplicate value: {_shown(name)}"
    values.add(name)
    if not container.get("image"):
        yield f"{field}.image: Required value"
    yield from _resources(container.get("resources") or {}, f"{field}.resources")


def _resources(resources: Object, field: str) -> Iterator[str]:
    limits = resources.get("limits") or {}
    yield from _amounts(limits, f"{field}.limits")
    for name, request in (resources.get("requests") or {}).items():
        try:
            over = name in limits and quantities.parse(request) > quantities.parse(limits[name])
        except ValueError as error:
            yield f"{field}.requests.{name}: Invalid value: {_shown(request)}: {error}"
            continue
        if over:
            yield (
                f"{field}.requests: Invalid value: {_shown(request)}: "
                f"must be less than or equal to {name} limit of {limits[name]}"
            )


def _amounts(amounts: Object, field: str) -> Iterator[str]:
    for name, amount in amounts.items():
        try:
            quantities.parse(amount)
        except ValueError as error:
            yield f"{field}.{name}: Invalid value: {_shown(amount)}: {error}"


def _service(obj: Object) -> Iterator[str]:
    spec = obj.get("spec") or {}
    headless = spec.get("clusterIP") == "None" or spec.get("type") == "ExternalName"
    if not spec.get("ports") and not headless:
        yield "spec.ports: Required value"
    for i, port in enumerate(spec.get("ports") or []):
        if not 0 < port.get("port", 0) < 65536:
            yield f"spec.ports[{i}].port: Invalid value: {port.get('port', 0)}: must be between 1 and 65535, inclusive"


def _ingress(obj: Object) -> Iterator[str]:
    spec = obj.get("spec") or {}
    for i, rule in enumerate(spec.get("rules") or []):
        host = str(rule.get("host") or "")
        if host and (len(host) > 253 or not _SUBDOMAIN.fullmatch(host.removeprefix("*."))):
            yield f"spec.rules[{i}].host: Invalid value: {_shown(host)}: {_SUBDOMAIN_WORDS}"
    if not spec.get("rules") and not spec.get("defaultBackend"):
        yield f"spec: Invalid value: {_shown(spec)}: either `defaultBackend` or `rules` must be specified"


def _keys(obj: Object) -> Iterator[str]:
    for key in {**(obj.get("data") or {}), **(obj.get("binaryData") or {})}:
        if not _DATA_KEY.fullmatch(key):
            yield f"data[{key}]: Invalid value: {_shown(key)}: {_KEY_WORDS}"


def _secret(obj: Object) -> Iterator[str]:
    yield from _keys(obj)
    if sum(map(len, (obj.get("data") or {}).values())) * 3 // 4 > _SECRET_LIMIT:
        yield f"data: Too long: may not be more than {_SECRET_LIMIT} bytes"


_INSPECTORS: Final[dict[Kind, Callable[[Object], Iterator[str]]]] = {
    DEPLOYMENT: _workload,
    STATEFUL_SET: _workload,
    DAEMON_SET: _workload,
    JOB: _job,
    VOLUME_CLAIM: _volume_claim,
    REPLICA_SET: _workload,
    POD: _pod,
    SERVICE: _service,
    INGRESS: _ingress,
    SECRET: _secret,
    CONFIG_MAP: _keys,
}


_IMMUTABLE: Final[dict[Kind, tuple[tuple[str, ...], ...]]] = {
    DEPLOYMENT: (("spec", "selector"),),
    STATEFUL_SET: (("spec", "selector"), ("spec", "serviceName"), ("spec", "volumeClaimTemplates")),
    DAEMON_SET: (("spec", "selector"),),
    JOB: (("spec", "selector"), ("spec", "completions"), ("spec", "template")),
    VOLUME_CLAIM: (("spec", "accessModes"),),
    REPLICA_SET: (("spec", "selector"),),
    SECRET: (("type",),),
    ROLE_BINDING: (("roleRef",),),
    SERVICE: (("spec", "clusterIP"),),
}


def _changed_faults(kind: Kind, obj: Object, before: Object) -> Iterator[str]:
    for path in _IMMUTABLE.get(kind, ()):
        if lookup(obj, *path) != lookup(before, *path):
            yield f"{'.'.join(path)}: Invalid value: {_shown(lookup(obj, *path))}: field is immutable"
    sealed = kind in (SECRET, CONFIG_MAP) and before.get("immutable")
    if sealed and (obj.get("data") != before.get("data") or not obj.get("immutable")):
        yield "data: Forbidden: field is immutable when `immutable` is set"
    if kind is POD and _without_images(obj) != _without_images(before):
        yield (
            "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
            "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to "
            "existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was "
            "previously negative)"
        )


def _without_images(pod: Object) -> Object:
    free = ("tolerations", "activeDeadlineSeconds", "nodeName")  # nodeName: our scheduler binds by an update
    spec = {key: value for key, value in pod["spec"].items() if key not in free}
    for field in ("containers", "initContainers"):
        if field in spec:
            spec[field] = [{**container, "image": ""} for container in spec[field]]
    return spec
