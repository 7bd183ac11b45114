"""The rules of the tenant admin's invitation: it exists once the tenant is Active, and each one is shown once."""

from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import Refused
from tenancy.saga.states import State
from tenancy.saga.tenant import Saga


def show(command: c.ShowInvitation, saga: Saga) -> tuple[f.Fact, ...]:
    _require_active(saga)
    if command.generation != saga.invitation.generation:
        raise Refused("Another invitation was made meanwhile: request it again.")
    if saga.invitation.is_shown:
        raise Refused("The invitation was shown before, and it is shown once. If it is lost, make a new one.")
    return (f.InvitationShown(saga.invitation.generation),)


def renew(_command: c.RenewInvitation, saga: Saga) -> tuple[f.Fact, ...]:
    _require_active(saga)
    return (f.InvitationRenewed(saga.invitation.generation + 1),)


def _require_active(saga: Saga) -> None:
    if saga.state is not State.ACTIVE:
        raise Refused(f"An invitation lets its admin in once the tenant is Active: it is {saga.phase}.")
