"""Deletes an object: at once, gracefully (pods), or only marked because a finalizer or a namespace's content remains.

The HTTP verbs, the garbage collector and the controllers call `delete`. The garbage collector and the namespace
controller handle the consequences, such as dependants and namespace content.
"""

from dataclasses import dataclass
from datetime import timedelta

from cluster_emulator import api_errors
from cluster_emulator.clock import STAMP
from cluster_emulator.history import Key
from cluster_emulator.kinds import JOB, NAMESPACE, POD, Kind
from cluster_emulator.objects import FOREGROUND, ORPHAN, Object, lookup
from cluster_emulator.registry import Registry


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """What a DELETE may ask for."""

    propagation: str = "Background"
    grace_seconds: int | None = None
    uid: str = ""
    version: str = ""
    dry_run: bool = False


BACKGROUND = DeleteOptions()


def parse_options(document: Object, query: dict[str, str], kind: Kind) -> DeleteOptions:
    """From the body (a DeleteOptions document), and from the query if the body does not state it.

    A Job leaves its pods behind when nothing is stated: batch/v1 kept this for the sake of its first clients.
    """
    grace = document.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    propagation = document.get("propagationPolicy") or query.get("propagationPolicy")
    if propagation is None:
        propagation = "Orphan" if document.get("orphanDependents", kind is JOB) else "Background"
    preconditions = document.get("preconditions") or {}
    return DeleteOptions(
        propagation=propagation,
        grace_seconds=None if grace is None else int(grace),
        uid=preconditions.get("uid", ""),
        version=preconditions.get("resourceVersion", ""),
        dry_run="All" in (document.get("dryRun") or [query.get("dryRun", "")]),
    )


def delete(registry: Registry, key: Key, options: DeleteOptions = BACKGROUND) -> tuple[Object, bool]:
    """The object's last or its terminating state, and whether it is gone. Raises 404, 409 (precondition)."""
    live = registry.store.get(key).document()
    _check_preconditions(key, live, options)
    if options.dry_run:
        return live, True
    finalizers = _finalizers(live, options.propagation)
    grace = _grace(key, live, options)
    if not finalizers and not grace and key.kind is not NAMESPACE:
        return registry.store.remove(key), True
    if live["metadata"].get("deletionTimestamp"):
        return live, False
    marked = _marked(registry, live, finalizers, grace)
    if key.kind is NAMESPACE:
        marked["status"] = {**(live.get("status") or {}), "phase": "Terminating"}
    registry.store.write(key, marked)
    return marked, False


def _check_preconditions(key: Key, live: Object, options: DeleteOptions) -> None:
    metadata = live["metadata"]
    if options.uid and options.uid != metadata["uid"]:
        why = (
            f"the UID in the precondition ({options.uid}) does not match the UID in record ({metadata['uid']}). "
            "The object might have been deleted and then recreated"
        )
        raise api_errors.failed_precondition(key.kind, key.name, why)
    if options.version and options.version != metadata["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({options.version}) does not match the ResourceVersion in record "
            f"({metadata['resourceVersion']}). The object might have been modified"
        )
        raise api_errors.failed_precondition(key.kind, key.name, why)


def _finalizers(live: Object, propagation: str) -> list[str]:
    held = list(live["metadata"].get("finalizers") or [])
    if live["metadata"].get("deletionTimestamp"):
        return held  # how it is deleted was decided by the first call
    asked = {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(propagation)
    return [*held, asked] if asked and asked not in held else held


def _grace(key: Key, live: Object, options: DeleteOptions) -> int:
    """Seconds a running pod gets to end; a pod that never ran, and everything else, gets none."""
    running = lookup(live, "spec", "nodeName") and lookup(live, "status", "phase") not in (
        "Succeeded",
        "Failed",
    )
    if key.kind is not POD or not running:
        return 0
    asked = options.grace_seconds
    return int(live["spec"].get("terminationGracePeriodSeconds", 30)) if asked is None else asked


def _marked(registry: Registry, live: Object, finalizers: list[str], grace: int) -> Object:
    ends = registry.clock.now() + timedelta(seconds=grace)
    generation = live["metadata"].get("generation", 1) + 1
    metadata = {
        **live["metadata"],
        "deletionTimestamp": ends.strftime(STAMP),
        "deletionGracePeriodSeconds": grace,
        "generation": generation,
    }
    if finalizers:
        metadata["finalizers"] = finalizers
    return {**live, "metadata": metadata}
