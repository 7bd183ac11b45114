"""Confirmation: an operator must send the tenant's id, and type its slug, before an action destroys anything.

Why the id: a slug may belong to another tenant by the time the request arrives; an id is never reused. Why not `seq`:
two tenants with the same history have the same number. Called by decide.py, inside the ledger's transaction.
"""

from dataclasses import dataclass

from tenancy.saga import commands as c
from tenancy.saga.errors import Refused
from tenancy.saga.tenant import Saga


@dataclass(frozen=True)
class RequiredConfirmation:
    """What must be confirmed for a command. `effect` completes the sentence "Type the slug to ..."."""

    tenant_id: bool = False
    slug: bool = False
    effect: str = ""


def required_confirmation(saga: Saga, command: c.Command) -> RequiredConfirmation:
    """What must be confirmed for this command, given that it is allowed."""
    if isinstance(command, c.Decommission):
        return RequiredConfirmation(
            tenant_id=True, slug=bool(saga.live_resources) or not saga.has_nothing_left, effect="decommission it"
        )
    if isinstance(command, c.Cancel) and saga.past_no_return:
        return RequiredConfirmation(tenant_id=True, slug=True, effect=f"cancel it. {DESTROYS}")
    if isinstance(command, c.Reset) and command.force:
        return RequiredConfirmation(tenant_id=True, effect="force its reset")
    return RequiredConfirmation()


DESTROYS = (
    "It has passed its point of no return, so cancelling destroys a customer's data. To end the attempt and keep "
    "everything, mark its running task failed in Airflow"
)


def require_confirmed(saga: Saga, command: c.Confirmed) -> None:
    """Raise Refused, with the missing field, unless the command confirms everything that is required."""
    needed = required_confirmation(saga, command.command)
    require_same_tenant(saga, command.tenant_id)
    slug = saga.parameters.slug
    if needed.slug and command.slug != slug:
        raise Refused(f"Type the slug {slug} to {needed.effect}.", field="confirm_slug")
    if needed.tenant_id and not command.tenant_id:
        raise Refused(
            f"Send the tenant's id as tenant_id: the slug {slug} may be another tenant's by now. "
            f"The tenant that has it is {saga.tenant_id}; check that this is the one you mean.",
            field="tenant_id",
        )


def require_same_tenant(saga: Saga, named: str) -> None:
    """Raise Refused if the request names another tenant, such as the former owner of the slug."""
    if named and named.lower() != str(saga.tenant_id):
        raise Refused(
            f"The slug {saga.parameters.slug} is not that tenant's: the tenant that has it is {saga.tenant_id}, and "
            f"{named} was named. Nothing was done. Check its current state, then decide.",
            field="tenant_id",
        )
