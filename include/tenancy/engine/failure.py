"""Giving up: what happens once Airflow has no tries left for a run. Called by the failure callbacks."""

import logging

from tenancy.engine.tenancy import Tenancy
from tenancy.engine.unwind import unwind
from tenancy.ledger.envelope import Stamp
from tenancy.saga.commands import GiveUp
from tenancy.saga.errors import Refused
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding import is_to_be_unwound

log = logging.getLogger(__name__)


def give_up(tenancy: Tenancy, command: GiveUp, *, stamp: Stamp) -> Saga | None:
    """Record that the run failed for good and undo its attempt; the saga afterwards.

    None when the run means nothing to any tenant (any more): refused requests, old runs, tenants already undone.
    """
    saga = _record(tenancy, command, stamp)
    if saga is None or not is_to_be_unwound(saga):
        return saga
    try:
        return unwind(tenancy, saga.tenant_id, saga.attempt, stamp=stamp)
    except Refused as refusal:  # somebody else undid it meanwhile
        log.info("unwinding left to others: %s", refusal)
        return None


def _record(tenancy: Tenancy, command: GiveUp, stamp: Stamp) -> Saga | None:
    with tenancy.ledger.open(f"tenancy give up {stamp.lease or stamp.actor}") as ledger:
        tenant_id = ledger.tenant_of_run(command.run_id)
        if tenant_id is None:
            return None
        try:
            return ledger.record(tenant_id, command, stamp=stamp)
        except Refused as refusal:
            log.info("nothing to give up: %s", refusal)
            return None
