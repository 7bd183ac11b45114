"""ResourceQuota: what a namespace uses, what one more object would need, and the refusal when it is too much.

`admission.py` asks before anything is created, the quota controller for `status.used`. Counts and pods' cpu and
memory; scopes and priority classes are left out: no user of the emulator needed them.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from cluster_emulator import api_errors, quantities
from cluster_emulator.kinds import BY_RESOURCE, POD, QUOTA, Kind
from cluster_emulator.objects import Object, lookup
from cluster_emulator.store import Store

_COMPUTE: Final[dict[str, tuple[str, str]]] = {
    "cpu": ("requests", "cpu"),
    "memory": ("requests", "memory"),
    "requests.cpu": ("requests", "cpu"),
    "requests.memory": ("requests", "memory"),
    "limits.cpu": ("limits", "cpu"),
    "limits.memory": ("limits", "memory"),
}


def counted_kind(resource: str) -> Kind | None:
    """The kind whose objects a quota entry counts: `pods`, `count/deployments.apps`."""
    return BY_RESOURCE.get(resource.removeprefix("count/"))


def pod_demand(pod: Object, resource: str) -> Decimal:
    section, name = _COMPUTE[resource]
    amounts = (lookup(c, "resources", section, name) for c in lookup(pod, "spec", "containers") or [])
    return sum((quantities.parse(amount) for amount in amounts if amount), Decimal(0))


def used(store: Store, namespace: str, resource: str) -> Decimal:
    """What the namespace uses of it now; finished pods count no longer."""
    if resource in _COMPUTE:
        return sum((pod_demand(pod, resource) for pod in _live_pods(store, namespace)), Decimal(0))
    kind = counted_kind(resource)
    if kind is POD and resource == "pods":
        return Decimal(sum(1 for _ in _live_pods(store, namespace)))
    return Decimal(store.count(kind, namespace)) if kind else Decimal(0)


def _live_pods(store: Store, namespace: str) -> Iterator[Object]:
    for record in store.records(POD, namespace):
        if record.selectable.fields["status.phase"] not in ("Succeeded", "Failed"):
            yield record.document()


def demand(kind: Kind, obj: Object, hard: Object) -> dict[str, Decimal]:
    """What the object needs of what the quota limits."""
    needed = {}
    for resource in hard:
        if counted_kind(resource) is kind:
            needed[resource] = Decimal(1)
        elif kind is POD and resource in _COMPUTE:
            needed[resource] = pod_demand(obj, resource)
    return needed


def check(store: Store, kind: Kind, namespace: str, obj: Object) -> None:
    """403 with the real server's message if the object does not fit every quota of its namespace."""
    for record in store.records(QUOTA, namespace):
        quota = record.document()
        hard = lookup(quota, "spec", "hard") or {}
        name = obj["metadata"]["name"]
        missing = _unspecified(kind, obj, hard)
        if missing:
            raise api_errors.forbidden(
                kind, name, f"failed quota: {record.key.name}: must specify {'; '.join(missing)}"
            )
        needed = {resource: n for resource, n in demand(kind, obj, hard).items() if n}
        in_use = {resource: used(store, namespace, resource) for resource in needed}
        over = sorted(r for r in needed if in_use[r] + needed[r] > quantities.parse(str(hard[r])))
        if over:
            text = exceeded(
                record.key.name,
                requested={r: quantities.write(needed[r], r) for r in over},
                in_use={r: quantities.write(in_use[r], r) for r in over},
                limited={r: str(hard[r]) for r in over},
            )
            raise api_errors.forbidden(kind, name, text)


def exceeded(quota_name: str, *, requested: dict[str, str], in_use: dict[str, str], limited: dict[str, str]) -> str:
    def listed(amounts: dict[str, str]) -> str:
        return ",".join(f"{resource}={amount}" for resource, amount in amounts.items())

    return (
        f"exceeded quota: {quota_name}, requested: {listed(requested)}, used: {listed(in_use)}, "
        f"limited: {listed(limited)}"
    )


def _unspecified(kind: Kind, obj: Object, hard: Object) -> list[str]:
    if kind is not POD:
        return []
    missing = []
    for resource in sorted(hard.keys() & _COMPUTE.keys()):
        section, name = _COMPUTE[resource]
        without = [c["name"] for c in obj["spec"]["containers"] if not lookup(c, "resources", section, name)]
        if without:
            missing.append(f"{resource} for: {','.join(without)}")
    return missing
