"""The actions on a tenant's page: may this caller do each now, and if not, why not. Pure.

What is allowed is the law's (engine/preview.py); who may is the API's, route by route.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from tenancy.console.callers import Right
from tenancy.console.pages.recovering import is_recoverable
from tenancy.engine.actions import ACTIONS
from tenancy.engine.preview import preview
from tenancy.saga.tenant import Saga

RIGHTS: Final[Mapping[str, Right]] = {
    "cancel": Right.EDIT,
    "reset": Right.EDIT,
    "retry": Right.CREATE,
    "decommission": Right.EDIT,
    "recreate": Right.CREATE,
    "escalate": Right.EDIT,
}
BUTTONS: Final[Mapping[str, str]] = {
    "cancel": "Cancel provisioning",
    "reset": "Reset provisioning",
    "retry": "Retry provisioning",
    "decommission": "Decommission",
    "recreate": "Recreate",
    "escalate": "Escalate",
}

_READS_ONLY: Final = "Your role may read only."


@dataclass(frozen=True)
class ActionView:
    """One action: may this caller do it now, and if not, why not."""

    name: str
    label: str
    allowed: bool
    reason: str
    """What it would do, or why it is refused."""
    force: bool = False
    """May this caller do it all the same?"""


def action_views(saga: Saga, rights: Collection[Right]) -> tuple[ActionView, ...]:
    """All of them, always: Recover first, then the engine's."""
    return (_recover(saga, rights), *(_action(saga, name, rights) for name in ACTIONS))


def _action(saga: Saga, name: str, rights: Collection[Right]) -> ActionView:
    seen = preview(saga, name)
    permitted = RIGHTS[name] in rights
    reason = seen.refusal or seen.said if permitted else _READS_ONLY
    force = name == "reset" and not seen.allowed and Right.FORCE in rights and is_recoverable(saga)
    return ActionView(name, BUTTONS[name], seen.allowed and permitted, reason, force)


def _recover(saga: Saga, rights: Collection[Right]) -> ActionView:
    permitted, useful = {Right.EDIT, Right.CREATE} <= set(rights), is_recoverable(saga)
    refusal = f"There is nothing to recover while it is {saga.phase}."
    reason = (RECOVER if useful else refusal) if permitted else _READS_ONLY
    return ActionView("recover", "Recover", useful and permitted, reason)


RECOVER: Final = "Cancels, resets and retries, each only where it is not so already, and waits for each."
