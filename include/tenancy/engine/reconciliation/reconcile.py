"""The reconciler: finishes, within a minute, what callbacks and actions missed. Every step may safely be repeated.

Called by the DAG tenant_reconciliation every 30 s. In each pass it applies marks made in Airflow (marks.py), corrects
overdue tenants (overdue.py), records stalls and incident groups, and raises alerts. Airflow is asked only about overdue
tenants, those without a new fact for longer than expected. An error with one tenant does not stop the others. If
another Airflow answers than the recorded one (engine_identity.py), every tenant is put off, and the summary says so.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from tenancy.adapters.application_names import UNWINDER
from tenancy.engine.engine_identity import EngineOfPass
from tenancy.engine.notifications.incident_groups import record_incident_groups
from tenancy.engine.notifications.raise_alerts import raise_group_alerts, raise_stall_alerts
from tenancy.engine.provisioning.plan_versions import fault_of_plan
from tenancy.engine.reconciliation import overdue
from tenancy.engine.reconciliation.hold_detection import HoldDetector
from tenancy.engine.reconciliation.marks import MARK_RUN, AppliedMark, Marks
from tenancy.engine.reconciliation.overdue import Correction, RunObservation
from tenancy.engine.reconciliation.restored_ledger import LEDGER_OLDER, find_reason_to_keep, keep_resources
from tenancy.engine.reconciliation.stalls import record_stalls
from tenancy.engine.recovery.escalation import send_escalations
from tenancy.engine.tenancy import Tenancy
from tenancy.engine.workflow import COMPENSATION_DAG, Runs, compensation_run_id, sync_workflow_engine
from tenancy.ledger import heartbeats, pokes, silent_tenants
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.incident_groups import load_grouped_tenants
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.pokes import Poke
from tenancy.ledger.silent_tenants import SilentTenant
from tenancy.saga import commands as c
from tenancy.saga.errors import PlatformError, Refused
from tenancy.saga.products import provisioning_dags
from tenancy.saga.states import State
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding_rules import is_to_be_unwound

log = logging.getLogger(__name__)

BEAT = "reconciliation"
SUSPECTS = 100
"""Overdue tenants in one pass. At two or three requests of 20 to 100 ms each, a pass stays near its 30 s."""
_ACTOR = "reconciler"
_RESTORED = (
    "Airflow's run {run_id} succeeded, but the ledger has no record of it: it may have been restored from a backup. "
    "The run was cleared. The attempt continues with what exists, and nothing is undone, whatever fails."
)


def reconcile(tenancy: Tenancy) -> str:
    """One pass. Returns a summary in one sentence, and records it with the heartbeat."""
    began = tenancy.monotonic()
    with tenancy.ledger.open("tenancy reconcile") as ledger:
        engine = EngineOfPass(tenancy, ledger)
        holds = HoldDetector(engine, ledger.now, tenancy.product_of)
        reconciler = _Reconciler(tenancy, ledger, engine, holds, Counter())
        for poke in pokes.load_pokes(ledger):
            reconciler.on_poke(poke)
        for suspect in silent_tenants.load_silent_tenants(ledger, max(SUSPECTS - reconciler.done["deadlines"], 0)):
            reconciler.on_suspect(suspect)
        with reconciler.put_off_on_trouble("what is stalled"):
            reconciler.done.update(record_stalls(tenancy, ledger, reconciler.holds))
        with reconciler.put_off_on_trouble("what is known of classes of stall"):
            reconciler.done.update(record_incident_groups(ledger))
        with reconciler.put_off_on_trouble("alerts about stalls"):
            send_escalations(ledger)
            raise_group_alerts(ledger)
            raise_stall_alerts(tenancy, ledger, but=load_grouped_tenants(ledger))
        summary = reconciler.summary()
        heartbeats.record_heartbeat(ledger, BEAT, took_seconds=tenancy.monotonic() - began, summary=summary)
    return summary


@dataclass(frozen=True)
class _Reconciler:
    tenancy: Tenancy
    ledger: LedgerSession
    engine: EngineOfPass
    holds: HoldDetector
    done: Counter[str]

    def on_poke(self, poke: Poke) -> None:
        with self.put_off_on_trouble(f"the poke about {poke.run_id}"):
            if poke.action == pokes.DEADLINE_PASSED:
                self._on_deadline(poke)
                return
            applied = self._apply_mark(poke)
            pokes.mark_handled(self.ledger, poke)
            if applied is not None:
                self._follow(applied.saga, applied.stamp)
                self.done["pokes"] += 1

    def _on_deadline(self, poke: Poke) -> None:
        """Airflow's deadline for the run has passed: examine the tenant now, before all other overdue tenants."""
        tenant_id = self.ledger.tenant_of_run(poke.run_id)
        saga = self.ledger.saga(tenant_id) if tenant_id else None
        if saga and saga.state is State.PROVISIONING:
            self._examine(saga, silent_seconds=0.0)
            self.done["deadlines"] += 1
        pokes.mark_handled(self.ledger, poke)

    def _apply_mark(self, poke: Poke) -> AppliedMark | None:
        try:
            return self._marks.apply(poke)
        except Refused as refusal:
            log.info("the poke about %s: %s", poke.run_id, refusal)
            return None

    def on_suspect(self, suspect: SilentTenant) -> None:
        with self.put_off_on_trouble(f"tenant {suspect.tenant_id}"):
            saga = self.ledger.saga(suspect.tenant_id)
            assert saga is not None  # it has a row
            self._examine(saga, suspect.silent_seconds)

    def _examine(self, saga: Saga, silent_seconds: float) -> None:
        observation = self._observe(saga)
        correction = overdue.next_correction(saga, observation, silent_seconds)
        kept = self._reason_to_keep(saga, observation) if overdue.destroys(correction, saga) else ""
        correction = Correction.KEEP if kept else correction
        if saga == self.ledger.saga(saga.tenant_id):  # else it continued while Airflow was asked
            if kept:
                keep_resources(self.ledger, saga, kept, Stamp(_ACTOR, reason=LEDGER_OLDER))
            else:
                self._make(correction, saga, observation)
            self.done[correction.name.lower()] += correction is not Correction.NOTHING

    def _reason_to_keep(self, saga: Saga, observation: RunObservation) -> str:
        dags = provisioning_dags(self.tenancy.products)
        return find_reason_to_keep(self.ledger, self.runs, saga, observation, dags)

    def summary(self) -> str:
        summary = ", ".join(f"{count} {what}" for what, count in sorted(self.done.items()) if count)
        fault = f". {self.engine.fault}" if isinstance(self.engine.fault, PlatformError) else ""
        return (summary or "nothing to do") + fault

    @contextmanager
    def put_off_on_trouble(self, what: str) -> Iterator[None]:
        """Log an error inside, count it in the summary, and leave the work to the next pass."""
        try:
            yield
        except Refused as refusal:  # the tenant has moved on meanwhile
            log.info("%s: %s", what, refusal)
        except Exception as error:  # noqa: BLE001 - one tenant's error must not stop the others
            log.warning("%s is put off to the next pass: %s: %s", what, type(error).__name__, error)
            self.done["put off"] += 1

    @property
    def runs(self) -> Runs:
        """The engine's runs. Raises, before anything is read or changed, when it is not the engine that has them."""
        return self.engine()

    @property
    def _marks(self) -> Marks:
        return Marks(self.ledger, self.runs)

    def _observe(self, saga: Saga) -> RunObservation:
        run = self.runs.find(saga.dag_id, saga.run_id)
        unwinding = is_to_be_unwound(saga)
        compensation = self.runs.find(COMPENSATION_DAG, compensation_run_id(saga)) if unwinding else None
        ended = run.ended_at if run else None
        since = _seconds(ended, self.ledger.now)
        observation = RunObservation(run, compensation, since, self._is_being_undone(saga))
        if run is None or run.state != "success":
            return observation
        marked, again = self._marks.is_marked(saga), self._marks.is_run_again(saga)
        return replace(observation, marked=marked, rerun=again)

    def _is_being_undone(self, saga: Saga) -> bool:
        holder = self.ledger.lock_holder(saga.tenant_id)
        return holder is not None and holder.application.startswith(UNWINDER)

    def _make(self, correction: Correction, saga: Saga, observation: RunObservation) -> None:
        match correction:
            case Correction.PURSUE:
                self._follow(saga)
            case Correction.RENEW:
                self._follow(self._record(saga, c.RenewUnwinding(saga.generation), "the compensation run ended early"))
            case Correction.LOST:
                self._give_up(saga, f"Airflow has no run {saga.run_id} any more")
            case Correction.MISSED:
                self._give_up_for(saga, observation)
            case Correction.RESUME:
                self._resume(saga)
            case Correction.TRY_AGAIN:
                self._try_again(saga, observation)
            case Correction.LOOK:
                held = self.holds.find_hold(saga)
                self._record(saga, c.RecordHold(held.message, held.cause) if held else c.RecordHold(""), "")

    def _record(self, saga: Saga, command: c.Command, reason: str, actor: str = _ACTOR) -> Saga:
        return self.ledger.record(saga.tenant_id, command, stamp=Stamp(actor, reason=reason))

    def _follow(self, saga: Saga, stamp: Stamp = Stamp(_ACTOR)) -> None:  # noqa: B008 - a frozen value
        for sentence in sync_workflow_engine(self.engine, self.ledger, saga, stamp=stamp):
            log.warning("%s: %s", saga.parameters.slug, sentence)
            self.done["put off"] += 1

    def _try_again(self, saga: Saga, observation: RunObservation) -> None:
        if not self._was_ended_by_a_person(saga, observation) and not fault_of_plan(self.tenancy, saga):
            self.runs.rerun(saga.dag_id, saga.run_id)

    def _was_ended_by_a_person(self, saga: Saga, observation: RunObservation) -> bool:
        """Did a person end the run? Then it is a Cancel by them, even if our listener failed to leave a poke."""
        assert observation.run is not None  # the correction implies it
        if pokes.has_poke(self.ledger, saga.run_id):
            return True  # the poke arrived during this pass: the next one applies it
        who = self._marks.last_person(saga) if observation.run.state == "failed" else ""
        if who:
            self._follow(self._record(saga, c.Cancel(), MARK_RUN, who))
        return bool(who)

    def _give_up_for(self, saga: Saga, observation: RunObservation) -> None:
        assert observation.run is not None  # the correction implies it
        if self._was_ended_by_a_person(saga, observation):
            return
        if fault := fault_of_plan(self.tenancy, saga):
            self._record(saga, c.RecordHold(str(fault), fault.cause, platform=True), "the run ended")
            return
        ended = (
            f"Airflow ended the run as {observation.run.state} before it was done, and no callback of its tasks "
            "recorded why"
        )
        self._give_up(saga, ended)

    def _give_up(self, saga: Saga, reason: str) -> None:
        """Give up, not cancel: the reconciler may not destroy what a customer may be using."""
        self._follow(self._record(saga, c.GiveUp(saga.run_id, reason), reason))

    def _resume(self, saga: Saga) -> None:
        """Record first, then clear: from then on no failure of the cleared run destroys what the ledger has
        forgotten."""
        message = _RESTORED.format(run_id=saga.run_id)
        self._record(saga, c.ResumeAttempt(saga.run_id, message), "the ledger is older than its run")
        self.runs.rerun(saga.dag_id, saga.run_id)


def _seconds(since: datetime | None, now: datetime) -> float:
    return (now - since).total_seconds() if since else 0.0
