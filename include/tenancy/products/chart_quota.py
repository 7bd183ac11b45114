"""Does a chart fit into its namespace's quota? Sums what its pods ask for and compares. Pure.

The quota counts every pod of the namespace, and it refuses a pod whose containers do not state requests and limits.
Otherwise the first tenant would meet that as a Deployment without pods.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tenancy.saga.quantities import amount

Document = dict[str, Any]

_RESOURCES: Final = ("requests.cpu", "requests.memory", "limits.cpu", "limits.memory")


@dataclass(frozen=True)
class _Pods:
    """The pods of one object: how many at once, and the specification of one."""

    label: str
    count: int
    spec: Document


def quota_problems(documents: Iterable[Document], quota: Mapping[str, str]) -> Iterator[str]:
    """Why the chart's pods would not start, one sentence each."""
    documents = list(documents)
    pods = [each for document in documents for each in _pods_of(document)]
    has_defaults = any(document["kind"] == "LimitRange" for document in documents)
    unlimited = [] if has_defaults else [problem for each in pods for problem in _unlimited(each)]
    yield from unlimited
    if not unlimited:
        yield from _too_much(pods, quota)


def _pods_of(document: Document) -> Iterator[_Pods]:
    kind, spec = str(document["kind"]), document.get("spec") or {}
    label = f"{kind} {document['metadata']['name']}"
    if kind == "Pod":
        yield _Pods(label, 1, spec)
    elif kind in {"Deployment", "StatefulSet", "DaemonSet", "Job"}:
        yield _Pods(label, _count(document), spec["template"]["spec"])
    elif kind == "CronJob":
        yield _Pods(label, 1, spec["jobTemplate"]["spec"]["template"]["spec"])


def _count(document: Document) -> int:
    """Of a DaemonSet the pods of one node: how many nodes there are is not known here."""
    spec = document["spec"]
    if document["kind"] == "Job":
        return int(spec.get("parallelism", 1))
    replicas = int(spec.get("replicas", 1)) if document["kind"] != "DaemonSet" else 1
    return replicas + (1 if document["kind"] == "Deployment" and _starts_new_pod_first(spec) else 0)


def _starts_new_pod_first(deployment: Document) -> bool:
    """Does a change of it start a pod before it ends an old one? With one more pod it can always proceed."""
    strategy = deployment.get("strategy") or {}
    surge = (strategy.get("rollingUpdate") or {}).get("maxSurge", "25%")
    return strategy.get("type") != "Recreate" and str(surge) not in {"0", "0%"}


def _unlimited(pods: _Pods) -> Iterator[str]:
    for container in [*(pods.spec.get("initContainers") or ()), *pods.spec["containers"]]:
        missing = [each for each in _RESOURCES if _stated(container, each) is None]
        if missing:
            yield (
                f"the container {container['name']} of {pods.label} has no {', '.join(missing)}: the namespace's quota "
                "refuses its pods"
            )


def _stated(container: Document, resource: str) -> str | None:
    """Kubernetes takes a missing request from the limit."""
    part, _, name = resource.partition(".")
    stated = container.get("resources") or {}
    value = (stated.get(part) or {}).get(name)
    if value is None and part == "requests":
        value = (stated.get("limits") or {}).get(name)
    return None if value is None else str(value)


def _too_much(pods: list[_Pods], quota: Mapping[str, str]) -> Iterator[str]:
    needed = {"pods": Decimal(sum(each.count for each in pods))}
    needed |= {resource: sum((_of_pods(each, resource) for each in pods), Decimal()) for resource in _RESOURCES}
    over = {key: value for key, value in needed.items() if value > amount(quota[key])}
    if over:
        listed = ", ".join(f"{key} {_short(value)} of {quota[key]}" for key, value in over.items())
        yield (
            f"its pods need more than the namespace's quota has ({listed}), for a plan of the check's example: state "
            "what is needed besides the plan's replicas in product.toml, [quota]"
        )


def _of_pods(pods: _Pods, resource: str) -> Decimal:
    """Kubernetes counts the greater of the sum of all containers and the greatest init container."""
    together = sum((_amount(each, resource) for each in pods.spec["containers"]), Decimal())
    first = max((_amount(each, resource) for each in pods.spec.get("initContainers") or ()), default=Decimal())
    return pods.count * max(together, first)


def _amount(container: Document, resource: str) -> Decimal:
    return amount(_stated(container, resource) or "0")


def _short(value: Decimal) -> str:
    return f"{value.normalize():f}"
