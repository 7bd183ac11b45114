"""Giving up: what happens once Airflow has no retries left for a run. Called by the failure callbacks.

The failure is recorded, which fences the attempt's tasks; then its resources are released here, in the callback's
process (a worker or the dag-processor), as far as 40 s allow. What is left is done by a compensation run.
"""

import logging
from dataclasses import replace

from tenancy.engine.engine_identity import open_runs
from tenancy.engine.provisioning.plan_versions import fault_of_plan
from tenancy.engine.recovery.unwind import unwind
from tenancy.engine.tenancy import Tenancy
from tenancy.engine.workflow import start_compensation
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga.commands import GiveUp
from tenancy.saga.errors import Refused, TenancyError
from tenancy.saga.facts import ActivityRefused
from tenancy.saga.names import TenantId
from tenancy.saga.states import State
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding_rules import is_to_be_unwound

log = logging.getLogger(__name__)


def give_up(tenancy: Tenancy, command: GiveUp, *, stamp: Stamp) -> Saga | None:
    """Record that the run failed finally, and unwind its attempt. Returns the saga afterwards.

    What cannot be released at once is left to a compensation run, which tries for longer. If the platform is at fault,
    the attempt is held and nothing is released. Returns None if the run concerns no tenant any more: a refused request,
    an old attempt's run, a tenant that is already unwound. So it is after a Cancel: the tenant is not Provisioning any
    more, `decide` refuses GiveUp (saga/leases.py, `require_current_run`), and the compensation run alone unwinds it.
    """
    saga = _record(tenancy, command, stamp)
    if saga is None or not is_to_be_unwound(saga):
        return saga
    try:
        return unwind(tenancy, saga.tenant_id, saga.generation, stamp=stamp, last_try=False)
    except Refused as refusal:  # another process has unwound it meanwhile
        log.info("unwinding left to others: %s", refusal)
        return None
    except TenancyError as error:
        log.warning("unwinding continues in a run of its own: %s", error)
        start_compensation_run(tenancy, saga)
        return saga


def start_compensation_run(tenancy: Tenancy, saga: Saga) -> None:
    """Start a compensation run. If Airflow does not respond, the reconciler starts it later."""
    try:
        with tenancy.ledger.open("tenancy start compensation") as ledger:
            start_compensation(open_runs(tenancy, ledger), saga)
    except TenancyError as error:
        log.warning("the reconciler starts it: %s", error)


def _record(tenancy: Tenancy, command: GiveUp, stamp: Stamp) -> Saga | None:
    with tenancy.ledger.open(f"tenancy give up {stamp.lease or stamp.actor}") as ledger:
        tenant_id = ledger.tenant_of_run(command.run_id)
        if tenant_id is None:
            return None
        if command.activity is None:
            command = _with_last_refusal(ledger, tenant_id, command)
        command = _with_fault_of_plan(tenancy, ledger, tenant_id, command)
        try:
            return ledger.record(tenant_id, command, stamp=stamp)
        except Refused as refusal:
            log.info("nothing to give up: %s", refusal)
            return None


def _with_last_refusal(ledger: LedgerSession, tenant_id: TenantId, command: GiveUp) -> GiveUp:
    """Add the last refusal: a run that was marked in Airflow ends because one of its tasks was refused, which explains
    it."""
    facts = (envelope.fact for envelope in reversed(ledger.envelopes(tenant_id)))
    refused = (fact for fact in facts if isinstance(fact, ActivityRefused) and fact.run_id == command.run_id)
    last = next(refused, None)
    return replace(command, message=f"{command.message}: {last.message}") if last else command


def _with_fault_of_plan(tenancy: Tenancy, ledger: LedgerSession, tenant_id: TenantId, command: GiveUp) -> GiveUp:
    """Hold the attempt instead if this version of Tenancy cannot finish it: a version that can will continue."""
    saga = ledger.saga(tenant_id)
    fault = fault_of_plan(tenancy, saga) if saga and saga.state is State.PROVISIONING else None
    return replace(command, message=str(fault), platform_fault=fault.cause) if fault else command
