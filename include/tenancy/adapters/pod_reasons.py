"""Why one pod is not ready or was not created, with the cause, read from structured fields. Pure.

The kubelet records the reason in the containers' states, the scheduler in a condition, controllers in events. Their
`reason` is a word of a fixed set (kubernetes/pkg/kubelet/events, pkg/kubelet/container) and decides; messages are only
shown. Sentences have no times, addresses or counters, so an unchanged situation has an unchanged sentence.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tenancy.adapters.kubernetes_errors import ErrorMeaning, classify_text
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError

Document = dict[str, Any]

_ON_THE_WAY: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
_CRASH_LOOP: Final = "CrashLoopBackOff"
_WAITING: Final[Mapping[str, Cause]] = {
    **dict.fromkeys(
        (
            "ErrImagePull",
            "ImagePullBackOff",
            "InvalidImageName",
            "ImageInspectError",
            "ErrImageNeverPull",
            "RegistryUnavailable",
            "SignatureValidationFailed",
        ),
        Cause.CLUSTER_IMAGE,
    ),
    **dict.fromkeys(
        (
            _CRASH_LOOP,
            "RunContainerError",
            "StartError",
            "CreateContainerError",
            "CreateContainerConfigError",
            "PreCreateHookError",
            "PreStartHookError",
            "PostStartHookError",
        ),
        Cause.CLUSTER_CRASH,
    ),
}
_EVENTS: Final[Mapping[str, Cause]] = {
    "Unhealthy": Cause.CLUSTER_PROBE,
    "FailedScheduling": Cause.CLUSTER_UNSCHEDULABLE,
    "NodeNotReady": Cause.CLUSTER_NODE,
    "InspectFailed": Cause.CLUSTER_IMAGE,
    "ErrImageNeverPull": Cause.CLUSTER_IMAGE,
}
_IMAGE_MESSAGE: Final = re.compile(
    r"Failed to pull image |Back-off pulling image |Error: (?:ErrImage|ImagePull|InvalidImage)"
)
PROBE_TRIES: Final = 3
"""Failed probes before Kubernetes reports a failure (`failureThreshold`). A starting pod needs a few."""
_REFUSED: Final = ErrorMeaning(PermanentError, Cause.CLUSTER_ADMISSION, "admission refused")

_BACK_OFF: Final = re.compile(r"back-off (?:[\d.]+[hms])+ ")
_POD_OF: Final = re.compile(r" pod=\S+| in pod \S+")
_ADDRESS: Final = re.compile(r"\d{1,3}(\.\d{1,3}){3}")


PROBE_PENDING: Final = "the readiness probe has not succeeded yet"


@dataclass(frozen=True)
class PodReason:
    """Why a pod is not ready. `cause` is unknown if nothing is wrong yet."""

    sentence: str
    cause: Cause = Cause.UNKNOWN


def container_reason(pod: Document) -> Iterator[PodReason]:
    """Reasons in its containers: those that wait with a reason, and those that end again and again."""
    status = pod.get("status") or {}
    for container in (*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])):
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = waiting.get("reason", "")
        if _crashes(container):
            yield PodReason(_crash_sentence(container, waiting), Cause.CLUSTER_CRASH)
        elif reason not in _ON_THE_WAY:
            sentence = steady_sentence(reason, waiting.get("message", "") + _exit(container))
            yield PodReason(sentence, _WAITING.get(reason, Cause.UNKNOWN))


def unschedulable(pod: Document) -> Iterator[PodReason]:
    """The scheduler finds no node for it."""
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            reason = condition.get("reason", "Unschedulable")
            cause = Cause.CLUSTER_UNSCHEDULABLE if reason == "Unschedulable" else Cause.UNKNOWN
            yield PodReason(steady_sentence(reason, condition.get("message", "")), cause)


def refused_pod(reason: str, message: str) -> PodReason:
    """A pod that could not be created (FailedCreate): it is over quota, or something refused it with its own
    message."""
    judgement = classify_text(message, otherwise=_REFUSED)
    words = f"{judgement.sentence}: {message}" if judgement.sentence else message
    return PodReason(steady_sentence(reason, words), judgement.cause)


def event_reason(event: Document) -> PodReason:
    """The reason in a warning about a pod."""
    reason, message = event.get("reason", ""), event.get("message", "")
    if reason == "FailedCreate":
        return refused_pod(reason, message)
    if reason == "Unhealthy" and _times(event) < PROBE_TRIES:
        return PodReason(PROBE_PENDING)
    if reason in {"Failed", "BackOff"}:
        cause = Cause.CLUSTER_IMAGE if _IMAGE_MESSAGE.match(message) else Cause.CLUSTER_CRASH
    else:
        cause = _EVENTS.get(reason, Cause.UNKNOWN)
    return PodReason(steady_sentence(reason, message), cause)


def _times(event: Document) -> int:
    """How often it happened. An event without a count is treated as one that lasts."""
    return int((event.get("series") or {}).get("count") or event.get("count") or PROBE_TRIES)


def _crashes(container: Document) -> bool:
    """The container ends again and again. The sentence is the same while it runs between two ends."""
    state = container.get("state") or {}
    if (state.get("waiting") or {}).get("reason") == _CRASH_LOOP:
        return True
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated")
    again = bool(container.get("restartCount")) or "terminated" in state
    return bool(ended and again and not container.get("ready"))


def _crash_sentence(container: Document, waiting: Document) -> str:
    """The kubelet's message about a crash loop, the same at every moment of it."""
    name = container.get("name", "")
    known = waiting.get("message", "") if waiting.get("reason") == _CRASH_LOOP else ""
    message = known or f"back-off restarting failed container={name}"
    return steady_sentence(_CRASH_LOOP, message + _exit(container))


def _exit(container: Document) -> str:
    state, last = container.get("state") or {}, container.get("lastState") or {}
    ended = state.get("terminated") or last.get("terminated") or {}
    return f" (it ended with exit code {ended['exitCode']})" if "exitCode" in ended else ""


def steady_sentence(reason: str, message: str) -> str:
    """Reason and message without what differs from one time to the next."""
    steady = _ADDRESS.sub("its address", _POD_OF.sub("", _BACK_OFF.sub("back-off ", message)))
    return ": ".join(part for part in (reason, " ".join(steady.split())) if part)
