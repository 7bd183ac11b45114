"""How a Job of ours ended, and why it does not: read from the Job's conditions and its pod's status. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tenancy.adapters.hidden_texts import hide
from tenancy.adapters.pod_reasons import PodReason, container_reason, refused_pod, unschedulable
from tenancy.saga.causes import Cause

Document = dict[str, Any]

_ENDED_PHASES: Final = frozenset({"Succeeded", "Failed"})
_GIVEN_UP: Final = frozenset({Cause.CLUSTER_IMAGE, Cause.CLUSTER_CRASH, Cause.CLUSTER_QUOTA, Cause.CLUSTER_ADMISSION})
_FIRST_PULL: Final = "ErrImagePull"


@dataclass(frozen=True)
class JobEnd:
    """How it ended. `code` is None when its container's end is not known: its node or pod is gone."""

    succeeded: bool
    code: int | None = None
    message: str = field(default="", repr=False)
    """The termination message, as the program wrote it."""
    log: str = field(default="", repr=False)
    reason: str = ""
    """In the cluster's words, when it is not an exit code."""
    overdue: bool = False
    """Did the cluster end it, because it took too long?"""
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """Texts that must be in nothing that people read."""

    def shown(self, text: str) -> str:
        """A text of it, for people."""
        return hide(self.hidden, text)

    @property
    def interrupted(self) -> bool:
        """Did something else end it than its program or its time limit? Then another try is worth it."""
        return not self.succeeded and not self.overdue and self.code is None


def end_of(job: Document) -> Document | None:
    """The condition with which the Job ended; None while it runs."""
    conditions = (job.get("status") or {}).get("conditions") or []
    return next(
        (each for each in conditions if each["type"] in {"Complete", "Failed"} and each["status"] == "True"), None
    )


def pods_of(job: Document, pods: Iterable[Document]) -> list[Document]:
    """Its own pods among those that carry its name: an earlier Job of this name may have left some."""
    uid = job["metadata"]["uid"]
    return [pod for pod in pods if any(o["uid"] == uid for o in pod["metadata"].get("ownerReferences") or [])]


def events_of(job: Document, events: Iterable[Document]) -> list[Document]:
    """Its own events: those of an earlier Job of this name stay for an hour."""
    uid = job["metadata"]["uid"]
    return [event for event in events if (event.get("involvedObject") or {}).get("uid") == uid]


def job_end(end: Document, pods: Sequence[Document], log: str, hidden: tuple[str, ...] = ()) -> JobEnd:
    """The outcome, from the Job's condition and its pods."""
    ended = next(_terminated(pods), {})
    known = ended and ended.get("reason") != "ContainerStatusUnknown" and not _was_taken_away(pods)
    return JobEnd(
        end["type"] == "Complete",
        int(ended["exitCode"]) if known else None,
        str(ended.get("message") or ""),
        log,
        str(ended.get("reason") or end.get("message") or end.get("reason") or ""),
        end.get("reason") == "DeadlineExceeded",
        hidden,
    )


def _terminated(pods: Sequence[Document]) -> Iterator[Document]:
    for pod in pods:
        for container in (pod.get("status") or {}).get("containerStatuses") or []:
            if ended := (container.get("state") or {}).get("terminated"):
                yield ended


def _was_taken_away(pods: Sequence[Document]) -> bool:
    """An eviction, a drained or lost node: not what the program did."""
    conditions = [each for pod in pods for each in (pod.get("status") or {}).get("conditions") or []]
    reasons = {(pod.get("status") or {}).get("reason") for pod in pods}
    return "Evicted" in reasons or any(c["type"] == "DisruptionTarget" and c["status"] == "True" for c in conditions)


def why_waiting(pods: Sequence[Document], events: Sequence[Document]) -> PodReason:
    """Why it has not ended yet; an empty sentence when nothing is wrong."""
    refused = (refused_pod(e["reason"], e.get("message", "")) for e in events if e.get("reason") == "FailedCreate")
    left = [_unended_part(pod) for pod in pods if (pod.get("status") or {}).get("phase") not in _ENDED_PHASES]
    found = [*(reason for pod in left for reason in (*container_reason(pod), *unschedulable(pod)))]
    return next(iter([*found, *([] if pods else refused)]), PodReason(""))


def _unended_part(pod: Document) -> Document:
    """The pod without the containers that have ended: none is started again, and the Job's condition follows later."""
    status = dict(pod.get("status") or {})
    for key in ("initContainerStatuses", "containerStatuses"):
        status[key] = [each for each in status.get(key) or [] if "terminated" not in (each.get("state") or {})]
    return {**pod, "status": status}


def is_hopeless(reason: PodReason) -> bool:
    """Will its pod not start before somebody changes something? One failed pull may be a bad moment of the registry."""
    return reason.cause in _GIVEN_UP and not reason.sentence.startswith(_FIRST_PULL)
