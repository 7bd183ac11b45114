"""Protects tenants after the ledger was restored from a backup: what the old ledger would unwind may be a customer's.

Airflow still knows what the restored ledger has lost: a successful run of the tenant's slug that no fact names, or the
attempt's own run, which succeeded although the ledger says that it failed. The reconciler asks before it unwinds
anything. If there is such a run, nothing is released and a person decides; a second Cancel or Decommission goes ahead.

Airflow may have deleted its runs since (`airflow db clean`). Then the age of the tenant's facts tells: the reconciler
finds a deleted run within a minute, so an attempt in progress whose run is unknown and whose facts are old is one of a
restored ledger, or nothing was reconciled for long. Nobody can tell which, so a person decides here, too.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final

from tenancy.engine.reconciliation.overdue import RunObservation
from tenancy.engine.workflow import Runs
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.names import RunId
from tenancy.saga.states import State
from tenancy.saga.tenant import Saga

LEDGER_OLDER: Final = "the ledger is older than Airflow's runs"
FORGOTTEN_AFTER: Final = timedelta(minutes=30)
"""A deleted run of an attempt whose facts are older than this is no reason to unwind. Longer than an activity is silent
(20 minutes, while it waits for workloads), and than Airflow is usually away."""
_LATER: Final = "Airflow's run {run_id} of the slug {slug} succeeded, but the ledger has no record of it"
_FORGOTTEN: Final = (
    "Airflow no longer has the run {run_id} of the slug {slug}, and nothing was recorded of the tenant since {since}"
)
_WHY: Final = (
    "{found}. The ledger may have been restored from a backup, and the tenant may be Active and in use by a customer, "
    "so nothing is undone. Check the tenant. {then}"
)
_KEPT: Final = "To continue with what exists, reset and retry."
_STUCK: Final = "To undo it anyway, cancel (or decommission) again: that destroys its data."
_NOTICES: Final = (
    f.ProvisioningStalled,
    f.StallExplained,
    f.StallCleared,
    f.RunHeld,
    f.Escalated,
    f.EscalationSent,
    f.ActivityRefused,
    f.RequestRefused,
    f.ActionRefused,
    f.HolderEvicted,
    f.RawActionNoted,
    f.NoteAdded,
)
"""Facts that say nothing about how far the tenant is. The reconciler records some of them before it examines all."""


def find_reason_to_keep(
    ledger: LedgerSession, runs: Runs, saga: Saga, observation: RunObservation, dags: Sequence[str]
) -> str:
    """What shows that the tenant may have become Active after the ledger's last fact; empty if nothing does.

    `dags`: all provisioning DAGs, because the slug's later tenant may be another product's.
    """
    kept_anyway = saga.past_no_return and saga.state is State.PROVISIONING
    # A tenant that is being decommissioned never becomes Active again: a later run of the slug is another tenant's.
    if kept_anyway or saga.state is State.DECOMMISSIONING or _was_warned(ledger, saga):
        return ""  # nothing would be destroyed, or a person has been warned and has asked again
    if run_id := _find_later_success(ledger, runs, saga, observation, dict.fromkeys((saga.dag_id, *dags))):
        return _LATER.format(run_id=run_id, slug=saga.parameters.slug)
    return _forgotten(ledger, saga) if observation.run is None else ""


def _find_later_success(
    ledger: LedgerSession, runs: Runs, saga: Saga, observation: RunObservation, dags: Iterable[str]
) -> str:
    """The run that made the tenant Active after the ledger's last fact; empty if Airflow has none."""
    again = (
        saga.state in {State.CANCELLING, State.FAILED}
        and observation.run is not None
        and observation.run.state == "success"
    )
    if again and not observation.marked:
        return saga.run_id
    ended_well = (run_id for dag_id in dags for run_id in runs.succeeded(dag_id, saga.parameters.slug))
    return next((run_id for run_id in ended_well if ledger.tenant_of_run(RunId(run_id)) is None), "")


def _forgotten(ledger: LedgerSession, saga: Saga) -> str:
    """Has Airflow deleted the run, so that nobody knows what became of the tenant?"""
    last = max(each.at for each in ledger.envelopes(saga.tenant_id) if not isinstance(each.fact, _NOTICES))
    if ledger.now - last <= FORGOTTEN_AFTER:
        return ""
    return _FORGOTTEN.format(run_id=saga.run_id, slug=saga.parameters.slug, since=f"{last:%Y-%m-%d %H:%M} UTC")


def _was_warned(ledger: LedgerSession, saga: Saga) -> bool:
    stops = (each for each in ledger.envelopes(saga.tenant_id) if isinstance(each.fact, f.UnwindingExhausted))
    return any(each.stamp.reason == LEDGER_OLDER for each in stops)


def keep_resources(ledger: LedgerSession, saga: Saga, found: str, stamp: Stamp) -> None:
    """Stop the unwinding: an attempt becomes retained, an unwinding stuck. Both wait for a person."""
    if saga.state is State.PROVISIONING:
        why = _WHY.format(found=found, then=_KEPT)
        ledger.record(saga.tenant_id, c.ResumeAttempt(saga.run_id, why), c.GiveUp(saga.run_id, why), stamp=stamp)
    else:
        why = _WHY.format(found=found, then=_STUCK)
        ledger.record(saga.tenant_id, c.ExhaustUnwinding(saga.generation, why, keep_resources=True), stamp=stamp)
