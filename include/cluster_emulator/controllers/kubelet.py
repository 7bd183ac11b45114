"""Simulates scheduler and kubelet for one pod: its status, its events, and when they change next.

Pure: `pods.py` passes the pod, its age and its faults, and stores the result. The reasons, messages and back-off times
are those of Kubernetes 1.32's kube-scheduler and kubelet, because clients read them.
"""

from dataclasses import dataclass, replace
from typing import Final

from cluster_emulator.containers.containers import ContainerExit, ContainerRun
from cluster_emulator.controllers.notes import Note
from cluster_emulator.faults import Fault, FaultKind
from cluster_emulator.objects import Object, lookup

NODE_NAME: Final = "emulator-node"
START_SECONDS: Final = 0.3
_JOB_SECONDS: Final = 0.5
POLL_SECONDS: Final = 0.1
"""How often a container that runs for real is looked at."""
_FIRST_BACKOFF: Final = 10.0
_LONGEST_BACKOFF: Final = 300.0
_UNSCHEDULABLE: Final = (
    "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: "
    "1 No preemption victims found for incoming pod."
)


@dataclass(frozen=True, slots=True)
class PodInputs:
    """All that decides what becomes of a pod."""

    pod: Object
    age: float  # simulated seconds since it was bound to the node
    stamp: str  # now
    fault: Fault | None = None
    missing: str = ""  # the missing configuration of a container, in the kubelet's message
    unbound: str = ""  # the volume claim that keeps it from a node, in the scheduler's message
    run: ContainerRun | None = None  # its container, if that runs for real
    since_exit: float = 0.0  # simulated seconds since that container ended


@dataclass(frozen=True, slots=True)
class Container:
    """The state of every container of the pod."""

    state: Object
    ready: bool = False
    restarts: int = 0
    last_state: Object | None = None


@dataclass(frozen=True, slots=True)
class PodOutcome:
    """A pod's status now; `wake_in` simulated seconds it may be another."""

    phase: str
    container: Container | None = None  # None while no node was found
    notes: tuple[Note, ...] = ()
    wake_in: float | None = None
    scheduled: bool = True
    repeated: tuple[Note, ...] = ()  # an event at each check: a probe that fails again and again
    starts: bool = False  # its container has to be started for real now


def pod_outcome(now: PodInputs) -> PodOutcome:
    """What is true of the pod now."""
    started = lookup(now.pod, "status", "phase") == "Running"
    trouble = None if started else _never_started(now)
    return trouble or _started(now)


def _never_started(now: PodInputs) -> PodOutcome | None:
    """What keeps a pod from its first start; one that runs is beyond it."""
    kind = now.fault.kind if now.fault else None
    if not lookup(now.pod, "status", "containerStatuses") and (kind is FaultKind.UNSCHEDULABLE or now.unbound):
        return _unschedulable(now.unbound or _UNSCHEDULABLE)
    if kind is FaultKind.IMAGE_PULL or _cannot_exist(now.pod):
        return _unpullable(now)
    if now.missing:
        return _unconfigurable(now)
    return _creating(START_SECONDS - now.age) if now.age < START_SECONDS else None


def _started(now: PodInputs) -> PodOutcome:
    kind, policy = now.fault.kind if now.fault else None, now.pod["spec"]["restartPolicy"]
    if kind is FaultKind.CRASH_LOOP:
        return _failing(now) if policy == "Never" else _crashing(now)
    ready_at = START_SECONDS + (now.fault.seconds if now.fault and kind is FaultKind.SLOW_START else 0)
    # Being ready late does not keep a Job's pod from its end.
    if policy == "Always" and now.age < ready_at and not _was_ready(now.pod):
        return _starting_slowly(now, ready_at - now.age)
    if now.run is not None:
        return _real(now, now.run)
    return _running(now) if policy == "Always" else _finishing(now)


def _was_ready(pod: Object) -> bool:
    return any(status["ready"] for status in lookup(pod, "status", "containerStatuses") or [])


def _kubelet(reason: str, message: str, *, warning: bool = False) -> Note:
    return Note(reason, message, "kubelet", warning=warning)


def _images(pod: Object) -> list[str]:
    return [str(container["image"]) for container in pod["spec"]["containers"]]


def _cannot_exist(pod: Object) -> bool:
    """RFC 2606: no registry answers below `.invalid`, neither here nor in a real cluster."""
    return any(image.split("/")[0].split(":")[0].endswith(".invalid") for image in _images(pod))


def _waiting(reason: str, message: str = "") -> Object:
    return {"waiting": {"reason": reason} | ({"message": message} if message else {})}


def _unschedulable(message: str) -> PodOutcome:
    note = Note("FailedScheduling", message, "default-scheduler", warning=True)
    return PodOutcome("Pending", notes=(note,), scheduled=False)


def _creating(wake_in: float) -> PodOutcome:
    return PodOutcome("Pending", Container(_waiting("ContainerCreating")), wake_in=wake_in)


def _unpullable(now: PodInputs) -> PodOutcome:
    image = _images(now.pod)[0]
    error = f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found'
    error = f"rpc error: code = NotFound desc = {error}"
    failed = f'Failed to pull image "{image}": {error}'
    if now.age < START_SECONDS:
        pulling = _kubelet("Pulling", f'Pulling image "{image}"')
        return replace(_creating(START_SECONDS - now.age), notes=(pulling,))
    if now.age < 2 * START_SECONDS:
        notes = (
            _kubelet("Failed", failed, warning=True),
            _kubelet("Failed", "Error: ErrImagePull", warning=True),
        )
        return PodOutcome("Pending", Container(_waiting("ErrImagePull", error)), notes, START_SECONDS)
    back_off = f'Back-off pulling image "{image}"'
    notes = (
        _kubelet("BackOff", back_off),
        _kubelet("Failed", "Error: ImagePullBackOff", warning=True),
    )
    return PodOutcome("Pending", Container(_waiting("ImagePullBackOff", f"{back_off}: ErrImagePull: {error}")), notes)


def _unconfigurable(now: PodInputs) -> PodOutcome:
    notes = (_kubelet("Failed", f"Error: {now.missing}", warning=True),)
    return PodOutcome("Pending", Container(_waiting("CreateContainerConfigError", now.missing)), notes)


def _crashing(now: PodInputs) -> PodOutcome:
    """Restarted after 10 s, 20 s, 40 s, ... up to five minutes, as long as the fault holds."""
    restarts, started, wait = 0, START_SECONDS, _FIRST_BACKOFF
    while now.age >= started + wait:
        started, wait, restarts = started + wait, min(wait * 2, _LONGEST_BACKOFF), restarts + 1
    metadata = now.pod["metadata"]
    name = now.pod["spec"]["containers"][0]["name"]
    where = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
    state = _waiting("CrashLoopBackOff", f"back-off {_duration(wait)} restarting failed container={name} pod={where}")
    ended = {"exitCode": 1, "reason": "Error", "startedAt": now.stamp, "finishedAt": now.stamp}
    last = {"terminated": ended}
    note = _kubelet("BackOff", f"Back-off restarting failed container {name} in pod {where}", warning=True)
    container = Container(state, restarts=restarts + 1, last_state=last)
    return PodOutcome("Running", container, (note,), started + wait - now.age)


def _failing(now: PodInputs) -> PodOutcome:
    """A pod that is never restarted ends with its container."""
    ended = {"exitCode": 1, "reason": "Error", "startedAt": now.stamp, "finishedAt": now.stamp}
    return PodOutcome("Failed", Container({"terminated": ended}))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def _starting_slowly(now: PodInputs, wake_in: float) -> PodOutcome:
    """Running but not ready if it has a probe, still being created if it has none."""
    probe = now.pod["spec"]["containers"][0].get("readinessProbe")
    if not probe:
        return _creating(wake_in)
    get = probe.get("httpGet") or {}
    address = f"{lookup(now.pod, 'status', 'podIP')}:{get.get('port', 8080)}"
    message = (
        f'Readiness probe failed: Get "http://{address}{get.get("path", "/")}": '
        f"dial tcp {address}: connect: connection refused"
    )
    running = _running(now)
    assert running.container is not None
    container = replace(running.container, ready=False)
    unhealthy = (_kubelet("Unhealthy", message, warning=True),)
    period = float(probe.get("periodSeconds", 10))
    return replace(running, container=container, wake_in=min(wake_in, period), repeated=unhealthy)


def _finishing(now: PodInputs) -> PodOutcome:
    """A pod that is not restarted (a Helm hook's or test's) runs for a moment and succeeds."""
    if now.age < START_SECONDS + _JOB_SECONDS:
        return replace(_running(now), wake_in=START_SECONDS + _JOB_SECONDS - now.age)
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": now.stamp, "finishedAt": now.stamp}
    return PodOutcome("Succeeded", Container({"terminated": ended}))


def _real(now: PodInputs, run: ContainerRun) -> PodOutcome:
    """What the program in the container's place did."""
    if not run.started:
        return replace(_creating(0.0), starts=True)
    if run.exit is None:
        running = _running(now)
        assert running.container is not None
        last = lookup(now.pod, "status", "containerStatuses") or [{}]
        container = replace(running.container, restarts=run.ends, last_state=last[0].get("lastState"))
        return replace(running, container=container, wake_in=POLL_SECONDS)
    if run.exit.code and now.pod["spec"]["restartPolicy"] == "OnFailure":
        return _restarting(now, run.exit, run.ends)
    phase = "Failed" if run.exit.code else "Succeeded"
    return PodOutcome(phase, Container(_ended(now, run.exit), restarts=run.ends - 1))


def _restarting(now: PodInputs, end: ContainerExit, ends: int) -> PodOutcome:
    """Started again after 10 s, 20 s, 40 s, ... up to five minutes."""
    wait = min(_FIRST_BACKOFF * 2 ** (ends - 1), _LONGEST_BACKOFF)
    name = now.pod["spec"]["containers"][0]["name"]
    state = _waiting("CrashLoopBackOff", f"back-off {_duration(wait)} restarting failed container={name}")
    left = wait - now.since_exit
    container = Container(state, restarts=ends, last_state=_ended(now, end))
    return PodOutcome("Running", container, wake_in=max(left, 0.0), starts=left <= 0)


def _ended(now: PodInputs, end: ContainerExit) -> Object:
    """The state of a container that has ended; its pod's status keeps the first stamp."""
    statuses = lookup(now.pod, "status", "containerStatuses") or [{}]
    started = lookup(statuses[0], "state", "running", "startedAt") or now.stamp
    state = {
        "exitCode": end.code,
        "reason": end.reason or ("Error" if end.code else "Completed"),
        "startedAt": started,
        "finishedAt": now.stamp,
    }
    return {"terminated": state | ({"message": end.message} if end.message else {})}


def _running(now: PodInputs) -> PodOutcome:
    notes: list[Note] = []
    for container in now.pod["spec"]["containers"]:
        name, image = container["name"], container["image"]
        notes += (
            _kubelet("Pulled", f'Container image "{image}" already present on machine'),
            _kubelet("Created", f"Created container: {name}"),
            _kubelet("Started", f"Started container {name}"),
        )
    return PodOutcome("Running", Container({"running": {"startedAt": now.stamp}}, ready=True), tuple(notes))
