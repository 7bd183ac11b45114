"""The Job controller: pods that run until enough of them succeeded, or too many failed.

Indexed completion and failure policies are left out: no user of the emulator needed them.
"""

from collections.abc import Hashable, Iterable
from typing import Final

from cluster_emulator import deletion
from cluster_emulator.clock import parse_stamp
from cluster_emulator.controllers.notes import Note, Recorder
from cluster_emulator.controllers.pod_maker import PodMaker, is_alive, is_ready, pod_of
from cluster_emulator.history import Event, Key
from cluster_emulator.kinds import JOB, POD
from cluster_emulator.objects import Object, lookup
from cluster_emulator.registry import Registry

_COMPONENT: Final = "job-controller"
_RETRY_SECONDS: Final = 5.0
_BACKOFF_SECONDS: Final = 10.0
_LONGEST_BACKOFF_SECONDS: Final = 600.0
_TOO_MANY: Final = "Job has reached the specified backoff limit"
_TOO_LONG: Final = "Job was active longer than specified deadline"


class JobController:
    """Runs Jobs to their end."""

    def __init__(self, registry: Registry, recorder: Recorder) -> None:
        self._registry, self._store, self._recorder = registry, registry.store, recorder
        self._maker = PodMaker(registry, recorder, _COMPONENT)

    def woken_by(self, event: Event) -> Iterable[Hashable]:
        if event.key.kind is JOB:
            yield event.key
        elif event.key.kind is POD:
            yield from self._store.owners(event.owners, JOB)

    def reconcile(self, item: Hashable) -> float | None:
        assert isinstance(item, Key)
        job = self._store.document(item)
        if job is None or job["metadata"].get("deletionTimestamp"):
            return None
        if end := _end(job):
            return self._sweep(item, job, end)
        pods = self._pods(job)
        left = self._seconds_left(job)
        outcome = _outcome(job, pods, overdue=left is not None and left <= 0)
        again = None if outcome else self._go_on(job, pods)
        self._report(item, outcome)
        if outcome:
            self._stop(item, job, outcome)
            return None
        return min((seconds for seconds in (again, left) if seconds is not None), default=None)

    def _seconds_left(self, job: Object) -> float | None:
        """Until `activeDeadlineSeconds` after its start; None when it has no deadline or is suspended."""
        allowed, started = job["spec"].get("activeDeadlineSeconds"), lookup(job, "status", "startTime")
        if allowed is None or job["spec"]["suspend"]:
            return None
        return float(allowed - (self._registry.clock.age(parse_stamp(started)) if started else 0.0))

    def _pods(self, job: Object) -> list[Object]:
        return [record.document() for record in self._store.owned_by(job["metadata"]["uid"], POD)]

    def _go_on(self, job: Object, pods: list[Object]) -> float | None:
        """Starts what is missing now. Returns the seconds until the next try after failed ones."""
        spec, alive = job["spec"], [pod for pod in pods if is_alive(pod)]
        if spec["suspend"]:
            for pod in alive:
                self._maker.delete(job, pod)
            return None
        if (left := self._backoff(pods)) > 0:
            return left
        wanted = min(spec["parallelism"], spec["completions"] - _phases(pods, "Succeeded")) - len(alive)
        for _ in range(wanted):
            if self._maker.create(job, pod_of(job)):
                return _RETRY_SECONDS
        return None

    def _backoff(self, pods: list[Object]) -> float:
        """10 s after the first failure, then 20 s, 40 s, ..."""
        ends = [_ended_at(pod) for pod in pods if lookup(pod, "status", "phase") == "Failed"]
        if not ends:
            return 0.0
        wait: float = min(_BACKOFF_SECONDS * 2 ** (len(ends) - 1), _LONGEST_BACKOFF_SECONDS)
        return wait - self._registry.clock.age(parse_stamp(max(ends)))

    def _stop(self, key: Key, job: Object, outcome: Object) -> None:
        for pod in self._pods(job):
            if is_alive(pod):
                self._maker.delete(job, pod)
        failed = outcome["type"] == "Failed"
        reason = outcome["reason"] if failed else "Completed"
        self._recorder.say(self._store.get(key).document(), Note(reason, outcome["message"], _COMPONENT, failed))

    def _sweep(self, key: Key, job: Object, end: Object) -> float | None:
        """Deletes it when the time is over that its specification keeps it after its end."""
        kept = job["spec"].get("ttlSecondsAfterFinished")
        if kept is None:
            return None
        left = kept - self._registry.clock.age(parse_stamp(end["lastTransitionTime"]))
        if left > 0:
            return float(left)
        deletion.delete(self._registry, key)
        return None

    def _report(self, key: Key, outcome: Object | None) -> None:
        job, stamp = self._store.get(key).document(), self._registry.clock.stamp()
        status = _status(job, self._pods(job), outcome, stamp)
        if status != job.get("status"):
            self._registry.change(key, lambda target: target.update(status=status), "status")


def _phases(pods: list[Object], phase: str) -> int:
    return sum(lookup(pod, "status", "phase") == phase for pod in pods)


def _end(job: Object) -> Object | None:
    conditions = lookup(job, "status", "conditions") or []
    return next((c for c in conditions if c["type"] in ("Complete", "Failed") and c["status"] == "True"), None)


def _outcome(job: Object, pods: list[Object], *, overdue: bool) -> Object | None:
    """The condition with which it ends now; None while it goes on."""
    restarts = sum(s["restartCount"] for pod in pods for s in lookup(pod, "status", "containerStatuses") or [])
    if _phases(pods, "Failed") + restarts > job["spec"]["backoffLimit"]:
        return {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": _TOO_MANY}
    if _phases(pods, "Succeeded") >= job["spec"]["completions"]:
        message = "Reached expected number of succeeded pods"
        return {"type": "Complete", "status": "True", "reason": "CompletionsReached", "message": message}
    if overdue:
        return {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": _TOO_LONG}
    return None


def _ended_at(pod: Object) -> str:
    statuses = lookup(pod, "status", "containerStatuses") or []
    ends = [lookup(status, "state", "terminated", "finishedAt") for status in statuses]
    return str(max(filter(None, ends), default=pod["metadata"]["creationTimestamp"]))


def _status(job: Object, pods: list[Object], outcome: Object | None, stamp: str) -> Object:
    alive = [] if outcome else [pod for pod in pods if is_alive(pod)]
    counts = {
        "active": len(alive),
        "succeeded": _phases(pods, "Succeeded"),
        "failed": _phases(pods, "Failed"),
    }
    status: Object = {name: count for name, count in counts.items() if count}
    status |= {"ready": sum(map(is_ready, alive)), "terminating": 0, "uncountedTerminatedPods": {}}
    suspended = job["spec"]["suspend"]
    if not suspended:
        status["startTime"] = lookup(job, "status", "startTime") or stamp
    if outcome:
        status["conditions"] = [{**outcome, "lastProbeTime": stamp, "lastTransitionTime": stamp}]
        if outcome["type"] == "Complete":
            status["completionTime"] = stamp
    elif suspended:
        before: Object = next(iter(lookup(job, "status", "conditions") or []), {})
        since = before.get("lastTransitionTime", stamp)
        condition = {"type": "Suspended", "status": "True", "reason": "JobSuspended", "message": "Job suspended"}
        status["conditions"] = [{**condition, "lastProbeTime": since, "lastTransitionTime": since}]
    return status
