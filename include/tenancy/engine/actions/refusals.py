"""What all actions on a tenant refuse and record alike: a tenant that does not exist, and the refusal in the audit log.

Used by actions.py, action_service.py, recovery_service.py and invitation.py. What else is refused, saga/decide.py says.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.errors import Refused
from tenancy.saga.facts import ActionRefused
from tenancy.saga.names import TenantId
from tenancy.saga.tenant import Saga


def load_saga(ledger: LedgerSession, tenant_id: TenantId) -> Saga:
    """The tenant's saga as of now. Raises Refused if there is no such tenant."""
    saga = ledger.saga(tenant_id)
    if saga is None:
        raise Refused("There is no such tenant.")
    return saga


@contextmanager
def record_refusal(ledger: LedgerSession, tenant_id: TenantId, action: str, by: Stamp) -> Iterator[None]:
    """Record a Refused that is raised inside in the tenant's audit log."""
    try:
        yield
    except Refused as refusal:
        ledger.append_notice(tenant_id, ActionRefused(action, str(refusal)), stamp=by)
        raise
