"""Scheduler and kubelet in one: binds pods to the only node, advances them, ends them when they are deleted.

`kubelet.py` decides a pod's state; this module stores it when it changed, with its events. A container runs for real
when a program stands for its image (`containers`); any other's state is the one that would follow if it ran.
"""

import signal
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from cluster_emulator.clock import parse_stamp
from cluster_emulator.containers.containers import Containers, uids_of
from cluster_emulator.containers.launch import data_of
from cluster_emulator.controllers import pod_status
from cluster_emulator.controllers.kubelet import NODE_NAME, POLL_SECONDS, PodInputs, PodOutcome, pod_outcome
from cluster_emulator.controllers.notes import Note, Recorder
from cluster_emulator.controllers.references import missing_reference, unbound_claim
from cluster_emulator.faults import POD_FAULTS, ActiveFaults, FaultKind
from cluster_emulator.history import ADDED, DELETED, Event, Key
from cluster_emulator.kinds import CONFIG_MAP, POD, SECRET, VOLUME_CLAIM
from cluster_emulator.objects import Object, lookup
from cluster_emulator.registry import Registry

DataFinder = Callable[[str, str], dict[str, bytes]]

_END_SECONDS: Final = 0.2


class PodController:
    """Plays scheduler and kubelet."""

    def __init__(
        self, registry: Registry, recorder: Recorder, faults: ActiveFaults, containers: Containers | None = None
    ) -> None:
        self._registry, self._store, self._recorder = registry, registry.store, recorder
        self._faults, self._clock = faults, registry.clock
        self._containers = containers or Containers()
        self._containers.adopt(uids_of((record.key, record.document()) for record in self._store.records(POD, "")))
        # Stamps have whole seconds; within one life of the server ages are exact.
        self._bound_at: dict[str, datetime] = {}
        self._ending_since: dict[str, datetime] = {}
        self._exited_at: dict[tuple[str, int], datetime] = {}

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        if event.key.kind is POD:
            yield event.key
        elif (event.key.kind in (SECRET, CONFIG_MAP) and event.type in (ADDED, DELETED)) or (
            event.key.kind is VOLUME_CLAIM
        ):
            # A pod that waits for its Secret continues when that comes, one that waits for its volume when it is bound.
            for record in self._store.records(POD, event.key.namespace):
                if record.selectable.fields["status.phase"] == "Pending":
                    yield record.key

    def reconcile(self, item: Hashable) -> float | None:
        assert isinstance(item, Key)
        pod = self._store.document(item)
        self._containers.keep_only(item, pod["metadata"]["uid"] if pod else "")
        if pod is None:
            return None
        uid = pod["metadata"]["uid"]
        if self._faults.find([FaultKind.NODE], item.namespace) and pod["spec"].get("nodeName"):
            self._lose(item, pod)
            return None
        if pod["metadata"].get("deletionTimestamp"):
            return self._end(item, pod, uid)
        if lookup(pod, "status", "phase") in ("Succeeded", "Failed"):
            self._bound_at.pop(uid, None)
            self._containers.stop(uid, signal.SIGKILL)
            return None
        return self._go_on(item, pod, uid)

    def _go_on(self, key: Key, pod: Object, uid: str) -> float | None:
        now = PodInputs(
            pod,
            self._age(pod, uid),
            self._clock.stamp(),
            self._faults.find(POD_FAULTS, key.namespace),
            missing_reference(self._store, pod),
            unbound_claim(self._store, pod),
        )
        now = self._with_container(now)
        outcome = pod_outcome(now)
        if outcome.starts:
            self._containers.start(key, pod, self._data_finder(key.namespace))
            outcome = pod_outcome(self._with_container(now))
        if outcome.scheduled and not pod["spec"].get("nodeName"):
            pod = self._bind(key, pod)
            self._bound_at[uid] = self._clock.now()
            outcome = pod_outcome(replace(now, pod=pod, age=0.0, unbound=""))
        self._write(key, pod, outcome)
        return outcome.wake_in

    def _with_container(self, now: PodInputs) -> PodInputs:
        run, uid = self._containers.run_of(now.pod), now.pod["metadata"]["uid"]
        if run is None or run.exit is None:
            return replace(now, run=run)
        ended_at = self._exited_at.setdefault((uid, run.ends), self._clock.now())
        return replace(now, run=run, since_exit=self._clock.age(ended_at))

    def _data_finder(self, namespace: str) -> DataFinder:
        kinds = {"secret": SECRET, "configMap": CONFIG_MAP}

        def find(kind: str, name: str) -> dict[str, bytes]:
            record = self._store.find(Key(kinds[kind], namespace, name))
            return data_of(record.document()) if record else {}

        return find

    def _lose(self, key: Key, pod: Object) -> None:
        """What the node's controller reports of a pod whose kubelet is dead. Nothing ends or advances the pod."""
        conditions = lookup(pod, "status", "conditions") or []
        if all(c["status"] == "False" for c in conditions if c["type"] == "Ready") and _is_lost(pod):
            return
        stamp = self._clock.stamp()
        kept = [c for c in conditions if c["type"] != "Ready"]
        unready = {"type": "Ready", "status": "False", "lastProbeTime": None, "lastTransitionTime": stamp}
        status = {"phase": "Pending", **(pod.get("status") or {}), "conditions": [*kept, unready], "reason": "NodeLost"}
        self._registry.change(key, lambda target: target.update(status=status), "status")
        self._recorder.say(pod, Note("NodeNotReady", "Node is not ready", "node-controller", warning=True))

    def _age(self, pod: Object, uid: str) -> float:
        if not pod["spec"].get("nodeName"):
            return 0.0
        started = lookup(pod, "status", "startTime") or pod["metadata"]["creationTimestamp"]
        return self._clock.age(self._bound_at.setdefault(uid, parse_stamp(started)))

    def _bind(self, key: Key, pod: Object) -> Object:
        bound = self._registry.change(key, lambda target: target["spec"].update(nodeName=NODE_NAME))
        message = f"Successfully assigned {key.namespace}/{key.name} to {NODE_NAME}"
        self._recorder.say(pod, Note("Scheduled", message, "default-scheduler"))
        return bound

    def _write(self, key: Key, pod: Object, outcome: PodOutcome) -> None:
        status = pod_status.status_of(pod, outcome, self._clock.stamp())
        changed = status != pod.get("status")
        if changed:
            self._registry.change(key, lambda target: target.update(status=status), "status")
        for note in (*(outcome.notes if changed else ()), *outcome.repeated):
            self._recorder.say(pod, note)

    def _end(self, key: Key, pod: Object, uid: str) -> float | None:
        """A moment after the deletion, unless a finalizer holds the pod."""
        since = self._ending_since.setdefault(uid, self._clock.now())
        left = _END_SECONDS - self._clock.age(since)
        if left > 0:
            self._containers.stop(uid, signal.SIGTERM)
            return left
        if self._containers.stop(uid, 0):  # its program has the grace period to end by itself
            if self._clock.age(since) < pod["metadata"].get("deletionGracePeriodSeconds", 0):
                return POLL_SECONDS
            self._containers.stop(uid, signal.SIGKILL)
        del self._ending_since[uid]
        self._bound_at.pop(uid, None)
        if pod["metadata"].get("finalizers"):
            self._registry.change(key, lambda target: target["metadata"].update(deletionGracePeriodSeconds=0))
            return None
        for container in pod["spec"]["containers"]:
            note = Note("Killing", f"Stopping container {container['name']}", "kubelet")
            self._recorder.say(pod, note)
        self._store.remove(key)
        return None


def _is_lost(pod: Object) -> bool:
    return bool(lookup(pod, "status", "reason") == "NodeLost")
