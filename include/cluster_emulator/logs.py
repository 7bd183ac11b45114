"""The response to `kubectl logs`: what a program wrote, a few true lines about a container that never ran for real, or
why there are none.
"""

from collections.abc import Mapping

from cluster_emulator import api_errors
from cluster_emulator.objects import Object, lookup


def container_log(pod: Object, container: str) -> str:
    """400 with the kubelet's message while the container waits."""
    name = container or pod["spec"]["containers"][0]["name"]
    statuses = lookup(pod, "status", "containerStatuses") or []
    status = next((s for s in statuses if s["name"] == name), None)
    started = lookup(status, "state", "running", "startedAt")
    if started:
        return f"{started} emulator: {name} would be running {lookup(status, 'image')}\n"
    ended = lookup(status, "state", "terminated") or lookup(status, "lastState", "terminated")
    if ended:
        return f"{ended['finishedAt']} emulator: {name} ended with exit code {ended['exitCode']}\n"
    reason = lookup(status, "state", "waiting", "reason") or "ContainerCreating"
    pod_name = pod["metadata"]["name"]
    raise api_errors.bad_request(f'container "{name}" in pod "{pod_name}" is waiting to start: {reason}')


def cut(log: bytes, query: Mapping[str, str]) -> bytes:
    """The part that a request asks for: `tailLines`, then `limitBytes` from its beginning, as the kubelet does."""
    if tail := query.get("tailLines"):
        lines = log.splitlines(keepends=True)
        log = b"".join(lines[max(0, len(lines) - int(tail)) :])
    return log[: int(query["limitBytes"])] if query.get("limitBytes") else log
