"""From a host name to the pod that would serve it: Ingress, then Service, then ready pods.

`listener.py` asks it for each request. Exact hosts only; the most specific path of the host's rules wins, as an
ingress controller would have it.
"""

from dataclasses import dataclass

from cluster_emulator.controllers.pod_maker import is_ready
from cluster_emulator.controllers.services import selected_pods
from cluster_emulator.history import DELETED, Event, Key
from cluster_emulator.kinds import INGRESS, SERVICE
from cluster_emulator.objects import Object, decode, lookup
from cluster_emulator.store import Store


@dataclass(frozen=True, slots=True)
class Backend:
    """Where a request would end; `pod` is None while none is ready."""

    namespace: str
    pod: Object | None


class Routes:
    """The hosts of all Ingresses, kept up to date by the store's events."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._hosts: dict[str, set[Key]] = {}
        self._of_ingress: dict[Key, tuple[str, ...]] = {}
        for record in store.records(INGRESS):
            self._learn(record.key, record.document())
        store.history.observers.append(self._observe)

    def _observe(self, event: Event) -> None:
        if event.key.kind is INGRESS:
            self._forget(event.key)
            if event.type != DELETED:
                self._learn(event.key, decode(event.raw))

    def _learn(self, key: Key, ingress: Object) -> None:
        hosts = tuple(rule["host"] for rule in lookup(ingress, "spec", "rules") or [] if rule.get("host"))
        self._of_ingress[key] = hosts
        for host in hosts:
            self._hosts.setdefault(host, set()).add(key)

    def _forget(self, key: Key) -> None:
        for host in self._of_ingress.pop(key, ()):
            self._hosts[host].discard(key)

    def find(self, host: str, path: str) -> Backend | None:
        """None when no Ingress has that host and path."""
        best: tuple[int, Key, str] | None = None
        for key in self._hosts.get(host, ()):
            for prefix, service in _paths(self._store.get(key).document(), host):
                if _covers(prefix, path) and (best is None or len(prefix) > best[0]):
                    best = (len(prefix), key, service)
        return self._backend(best[1].namespace, best[2]) if best else None

    def _backend(self, namespace: str, service_name: str) -> Backend:
        service = self._store.document(Key(SERVICE, namespace, service_name))
        pods = selected_pods(self._store, service) if service else []
        return Backend(namespace, next((pod for pod in pods if _serves(pod)), None))


def _serves(pod: Object) -> bool:
    return is_ready(pod) and not pod["metadata"].get("deletionTimestamp")


def _paths(ingress: Object, host: str) -> list[tuple[str, str]]:
    """(path prefix, service name) of the host's rules."""
    return [
        (path.get("path", "/"), lookup(path, "backend", "service", "name") or "")
        for rule in lookup(ingress, "spec", "rules") or []
        if rule.get("host") == host
        for path in lookup(rule, "http", "paths") or []
    ]


def _covers(prefix: str, path: str) -> bool:
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")
