"""The response to `kubectl logs`: a few true lines about a container that never ran, or why there are none.

The emulator runs no containers, so the lines describe what the kubelet's simulation did with this one.
"""

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
