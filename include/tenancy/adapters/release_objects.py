"""Reads from a cluster what decides about a release's readiness: the objects in its manifest and what explains them.

Objects outside the release's namespace are left out: they are cluster-scoped, and a chart that puts others elsewhere is
refused (products/check.py). Helm's hooks are not in the manifest; Helm itself waits for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from tenancy.adapters import manifests
from tenancy.adapters.cluster_scoped import CLUSTER_SCOPED
from tenancy.adapters.custom_kinds import find_custom_kind
from tenancy.adapters.kubernetes_api import KubernetesApi
from tenancy.adapters.label_selectors import selected
from tenancy.adapters.namespaced_kinds import is_passive, path_of
from tenancy.adapters.namespaces import PATH
from tenancy.adapters.pod_reasons import PodReason
from tenancy.adapters.readiness_rules import RULES
from tenancy.adapters.readiness_rules.volume_claim import unbound_reason
from tenancy.adapters.release_readiness import ReleaseObject
from tenancy.adapters.waiting_pods import Surroundings, claims_of, is_ready, name_of

Document = dict[str, Any]

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CLAIM = ("v1", "PersistentVolumeClaim")


@dataclass(frozen=True)
class ReleaseObjects:
    """The objects of one release, read at most once. `manifest` is that of its newest revision."""

    api: KubernetesApi
    manifest: str
    namespace: str

    def judged(self) -> list[ReleaseObject]:
        """Those whose status decides."""
        return [each for asked in self._asked if (each := self._observe(asked)) is not None]

    def first_missing(self) -> str:
        """Kind and name of the first other object that does not exist, such as a Service; empty if all exist."""
        for kind, text in manifests.documents(self.manifest):
            if is_passive(manifests.api_version(text), kind):
                asked = _parse(text)
                if self._is_here(asked) and self.api.get(path_of(asked, self.namespace)) is None:
                    return f"{kind} {name_of(asked)}"
        return ""

    @cached_property
    def _asked(self) -> list[Document]:
        """Parsing YAML is what takes time, so only what decides is parsed."""
        found = [
            _parse(text)
            for kind, text in manifests.documents(self.manifest)
            if is_judged(manifests.api_version(text), kind)
        ]
        return [asked for asked in found if self._is_here(asked)]

    def _is_here(self, asked: Document) -> bool:
        return asked["metadata"].get("namespace") in {None, self.namespace}

    def _observe(self, asked: Document) -> ReleaseObject | None:
        """None for a cluster-scoped custom resource."""
        kind = RULES.get((str(asked["apiVersion"]), str(asked["kind"])))
        if kind is None:
            return self._observe_custom(asked)
        actual = self.api.get(f"{kind.path.format(self.namespace)}/{name_of(asked)}")
        selector = ((actual or {}).get("spec") or {}).get("selector")
        return ReleaseObject(asked, actual, Surroundings(selected(selector, self._pods), self._warnings, self._unbound))

    def _observe_custom(self, asked: Document) -> ReleaseObject | None:
        kind = find_custom_kind(self.api, str(asked["apiVersion"]), str(asked["kind"]))
        if kind is None:
            return ReleaseObject(asked, None)
        return (
            ReleaseObject(asked, self.api.get(kind.path(name_of(asked), self.namespace))) if kind.namespaced else None
        )

    @cached_property
    def _pods(self) -> list[Document]:
        return self.api.list_objects(f"{PATH}/{self.namespace}/pods")

    @cached_property
    def _warnings(self) -> list[Document]:
        return self._events("type=Warning")

    @cached_property
    def _unbound(self) -> Mapping[str, PodReason]:
        """Why claims are not bound, by their names. Asked only when a claim may keep something."""
        waited_for = {claim for pod in self._pods if not is_ready(pod) for claim in claims_of(pod)}
        if not waited_for and not any((a["apiVersion"], a["kind"]) == _CLAIM for a in self._asked):
            return {}
        claims = self.api.list_objects(f"{PATH}/{self.namespace}/persistentvolumeclaims")
        open_claims = [each for each in claims if (each.get("status") or {}).get("phase") != "Bound"]
        events = self._events("involvedObject.kind=PersistentVolumeClaim") if open_claims else []
        found = {name_of(each): unbound_reason(each, events) for each in open_claims}
        return {name: reason for name, reason in found.items() if reason is not None}

    def _events(self, fields: str) -> list[Document]:
        """Oldest first."""
        return sorted(self.api.list_objects(f"{PATH}/{self.namespace}/events", fields=fields), key=_time_of_event)


def is_judged(api_version: str, kind: str) -> bool:
    """Does its status decide about readiness? So it is with workloads, volume claims and custom resources."""
    return kind not in CLUSTER_SCOPED and not is_passive(api_version, kind)


def _parse(text: str) -> Document:
    document: Document = yaml.load(text, _LOADER)  # noqa: S506 - a safe loader, the one in C
    return document


def _time_of_event(event: Document) -> str:
    series = event.get("series") or {}
    return str(
        event.get("lastTimestamp")
        or series.get("lastObservedTime")
        or event.get("eventTime")
        or event["metadata"].get("creationTimestamp")
    )
