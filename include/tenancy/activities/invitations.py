"""The tenant admin's one-time invitation: derived from the platform's keys, stored by the product as a digest only."""

import hashlib

from tenancy.activities.context import ActivityContext

INVITATION = "admin-invitation"


def invitation_of(context: ActivityContext) -> str:
    """The admin's invitation that is the one now. A later one is unrelated to those before."""
    generation = context.saga.invitation.generation
    return context.secret(INVITATION if generation == 1 else f"{INVITATION}-{generation}")


def digest_of(invitation: str) -> str:
    """The invitation's SHA-256, in hexadecimal: the product stores only this."""
    return hashlib.sha256(invitation.encode()).hexdigest()
