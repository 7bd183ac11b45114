"""The consequence of an action for a tenant in its present state, as sentences for the operator. Pure.

Dialogs, dry runs and buttons show exactly these sentences.
"""

from collections.abc import Callable, Mapping
from typing import Final

from tenancy.saga.states import State
from tenancy.saga.tenant import Saga

CREATES: Final = "Provisions a new tenant."
_DATA: Final = "Permanently deletes this tenant's database, workloads and credentials. This cannot be undone."


def describe_consequence(saga: Saga, action: str) -> str:
    """What the action does, in one to three sentences. KeyError for an unknown action."""
    return _CONSEQUENCES[action](saga)


def describe_removed(saga: Saga) -> str:
    """How many resources were created and removed again, as a sentence; empty if none were."""
    gone = sum(1 for resource in saga.resources if not resource.live)
    left = len(saga.live_resources)
    if not gone:
        return "" if left else "Nothing was created: there is nothing to remove."
    made = f"{gone} object was" if gone == 1 else f"{gone} objects were"
    return f"{made} created and removed; {f'{left} left' if left else 'nothing is left to remove'}."


def _cancel(saga: Saga) -> str:
    if saga.past_no_return and saga.live_resources:
        return f"{_DATA} The tenant becomes Failed; reset and retry start it empty."
    if saga.state is State.PROVISIONING:
        return "Stops provisioning and removes everything created so far, newest first."
    return "Stops whatever is still running for this tenant, and starts removing what is left again."


def _reset(saga: Saga) -> str:
    kept = " Its resources are kept." if saga.live_resources else ""
    return f"Clears the run's history, so that a retry can start. Deletes nothing outside; the audit log stays.{kept}"


def _retry(saga: Saga) -> str:
    kept = " It continues with the resources that were kept." if saga.live_resources else ""
    return f"Starts provisioning again, for the same tenant id.{kept}"


def _decommission(saga: Saga) -> str:
    slug = saga.parameters.slug
    if saga.state is State.DECOMMISSIONING:
        return "Stops whatever is still running for this tenant, and starts deleting what is left again."
    if not saga.live_resources:
        return f"Nothing of this tenant is left to delete. It cannot be retried any more; the slug {slug} becomes free."
    if saga.past_no_return or saga.state is State.ACTIVE:
        return f"{_DATA} Its customer loses access at once; the slug {slug} becomes free."
    return f"Deletes everything created for this tenant, for good, newest first. The slug {slug} becomes free."


def _recreate(saga: Saga) -> str:
    new = "creates a new, empty tenant with the same slug, linked to this one."
    if saga.state is State.DECOMMISSIONED:
        return f"{new[0].upper()}{new[1:]}"
    return f"First decommissions this tenant: it cannot be retried any more. Then {new}"


def _escalate(_saga: Saga) -> str:
    return (
        "Sends platform engineering a message through the notification channels, with the tenant's id, slug and state, "
        "its last successful activity, its last error and what was tried so far. Changes nothing about the tenant."
    )


_CONSEQUENCES: Final[Mapping[str, Callable[[Saga], str]]] = {
    "cancel": _cancel,
    "reset": _reset,
    "retry": _retry,
    "decommission": _decommission,
    "recreate": _recreate,
    "escalate": _escalate,
}
