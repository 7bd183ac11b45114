"""The actions on a tenant's page: may this caller do each now, and if not, why not. Pure.

The state machine decides what is allowed (engine/actions/preview.py). BUTTONS has the rights that an
action needs; action_dialogs.py enforces them. The JSON API has its own at its routes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from tenancy.console.callers import Right
from tenancy.console.pages import words
from tenancy.engine.actions.actions import ACTIONS
from tenancy.engine.actions.preview import preview
from tenancy.engine.recovery.recovery_policy import is_recoverable
from tenancy.ledger.interventions import InvitationView
from tenancy.saga.states import State
from tenancy.saga.tenant import Saga


@dataclass(frozen=True)
class ActionButton:
    """The button of an action, and all rights that its caller needs. The first is the right of the API's route."""

    label: str
    rights: tuple[Right, ...]


BUTTONS: Final[Mapping[str, ActionButton]] = {
    "cancel": ActionButton("Cancel provisioning", (Right.EDIT,)),
    "reset": ActionButton("Reset provisioning", (Right.EDIT,)),
    "retry": ActionButton("Retry provisioning", (Right.CREATE,)),
    "decommission": ActionButton("Decommission", (Right.EDIT,)),
    "recreate": ActionButton("Recreate", (Right.CREATE, Right.EDIT)),
    "escalate": ActionButton("Escalate", (Right.EDIT,)),
    "recover": ActionButton("Recover", (Right.EDIT, Right.CREATE)),
    "invitation": ActionButton("Show the invitation", (Right.CREATE,)),
}
"""Of ACTIONS, and of two that are not the engine's."""

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


def action_views(saga: Saga, rights: Collection[Right], view: InvitationView | None) -> tuple[ActionView, ...]:
    """All actions, always: Recover first, then the engine's. `view`: who has seen the admin's invitation."""
    return (
        _recover(saga, rights),
        *(_action(saga, name, rights) for name in ACTIONS),
        _invite(saga, rights, view),
    )


def _action(saga: Saga, name: str, rights: Collection[Right]) -> ActionView:
    action_preview, lacking = preview(saga, name), lacks(name, rights)
    force = (
        name == "reset" and not (action_preview.allowed or lacking) and Right.FORCE in rights and is_recoverable(saga)
    )
    return ActionView(
        name,
        BUTTONS[name].label,
        action_preview.allowed and not lacking,
        lacking or action_preview.refusal or action_preview.consequence,
        force,
    )


def _recover(saga: Saga, rights: Collection[Right]) -> ActionView:
    useful, lacking = is_recoverable(saga), lacks("recover", rights)
    message = RECOVER if useful else f"There is nothing to recover while it is {saga.phase}."
    return ActionView("recover", BUTTONS["recover"].label, useful and not lacking, lacking or message)


RECOVER: Final = "Cancels what is stalled, resets and retries, each only if it is needed, and waits for each."


def _invite(saga: Saga, rights: Collection[Right], view: InvitationView | None) -> ActionView:
    active, lacking = saga.state is State.ACTIVE, lacks("invitation", rights)
    label = "Make a new invitation" if active and view else BUTTONS["invitation"].label
    message = f"It was shown to {view.actor} at {words.moment(view.at)} UTC." if view else _INVITES
    return ActionView("invitation", label, active and not lacking, lacking or (message if active else _NOT_YET))


_INVITES: Final = "Lets the tenant's admin sign in. It is shown once, to the first person who asks."
_NOT_YET: Final = "It lets the tenant's admin in while the tenant is Active."


def lacks(name: str, rights: Collection[Right]) -> str:
    """Why this caller may not do it for any tenant; empty if they may."""
    missing = [right for right in BUTTONS[name].rights if right not in rights]
    if not missing:
        return ""
    return _READS_ONLY if set(rights) <= {Right.READ} else f"Your role lacks the permission {missing[0]}."
