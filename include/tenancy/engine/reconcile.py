"""The reconciler: finds and finishes, within a minute, what callbacks and actions missed. Every step may be done twice.

Called by the DAG tenant_reconciliation. It asks Airflow only about suspects: tenants whose facts have been silent for
longer than they should. One tenant's trouble never stops the others.
"""

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from tenancy.engine import overdue
from tenancy.engine.overdue import Move, Seen
from tenancy.engine.tenancy import Tenancy
from tenancy.engine.workflow import COMPENSATION_DAG, PROVISIONING_DAG, Runs, compensation_run_id, pursue
from tenancy.ledger import rounds
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.rounds import Poke, Suspect
from tenancy.saga import commands as c
from tenancy.saga.errors import Refused, TenancyError
from tenancy.saga.facts import RawActionNoted
from tenancy.saga.names import RunId
from tenancy.saga.raw_actions import Meaning, RawAction, as_command, meaning
from tenancy.saga.tenant import Saga
from tenancy.saga.unwinding import is_to_be_unwound

log = logging.getLogger(__name__)

BEAT = "reconciliation"
SUSPECTS = 100
"""Asked about in one pass: at two or three requests each, a pass stays below its minute."""
_BY = Stamp("reconciler")
_AROUND = timedelta(seconds=5)


def reconcile(tenancy: Tenancy) -> str:
    """One pass; says in one sentence what it did, and leaves that as its beat."""
    began = tenancy.monotonic()
    with tenancy.ledger.open("tenancy reconcile") as ledger:
        reconciler = _Reconciler(ledger, tenancy.runs(), Counter())
        for poke in rounds.pokes(ledger):
            reconciler.on_poke(poke)
        for suspect in rounds.suspects(ledger, SUSPECTS):
            reconciler.on_suspect(suspect)
        summary = reconciler.summary()
        rounds.beat(ledger, BEAT, took_seconds=tenancy.monotonic() - began, summary=summary)
    return summary


@dataclass(frozen=True)
class _Reconciler:
    ledger: LedgerSession
    runs: Runs
    done: Counter[str]

    def on_poke(self, poke: Poke) -> None:
        try:
            self._heed(poke)
        except Refused as refusal:
            log.info("poke about %s: %s", poke.run_id, refusal)
        except TenancyError as error:
            self._put_off(f"poke about {poke.run_id}", error)
            return
        rounds.poke_handled(self.ledger, poke)

    def on_suspect(self, suspect: Suspect) -> None:
        saga = self.ledger.saga(suspect.tenant_id)
        assert saga is not None  # it has a row
        try:
            move = overdue.next_move(saga, self._seen(saga), suspect.silent_seconds)
            self._make(move, saga)
        except Refused as refusal:  # it went on by itself meanwhile
            log.info("%s: %s", saga.parameters.slug, refusal)
        except TenancyError as error:
            self._put_off(saga.parameters.slug, error)
        else:
            self.done[move.name.lower()] += move is not Move.NOTHING

    def summary(self) -> str:
        said = ", ".join(f"{count} {what}" for what, count in sorted(self.done.items()) if count)
        return said or "nothing to do"

    def _put_off(self, what: str, error: TenancyError) -> None:
        log.warning("%s: put off to the next pass: %s", what, error)
        self.done["put off"] += 1

    # -- marks made in Airflow

    def _heed(self, poke: Poke) -> None:
        tenant_id = self.ledger.tenant_of_run(poke.run_id)
        saga = self.ledger.saga(tenant_id) if tenant_id else None
        if saga is None:
            return
        who = self._who(poke)
        if who == self.runs.user:
            return  # we marked it ourselves, after a Cancel
        self._obey(RawAction(poke.action), saga, poke.run_id, who)
        self.done["pokes"] += 1

    def _who(self, poke: Poke) -> str:
        """Who marked it: the mark nearest to the poke, which our listener leaves within the very request."""
        marks = self.runs.marks(PROVISIONING_DAG, poke.run_id)
        near = [mark for mark in marks if abs(mark.at - poke.at) < _AROUND]
        return min(near, key=lambda mark: abs(mark.at - poke.at)).user if near else "somebody in Airflow"

    def _obey(self, action: RawAction, saga: Saga, run_id: RunId, who: str) -> None:
        stamp = Stamp(who, reason=f"{action} in Airflow")
        if meaning(action, saga, run_id) is Meaning.NOTE:
            self.ledger.note(saga.tenant_id, RawActionNoted(action, run_id), stamp=stamp)
        command = as_command(action, saga, run_id, None)
        if command is not None:
            self._follow(self.ledger.record(saga.tenant_id, command, stamp=stamp), stamp)

    # -- suspects

    def _seen(self, saga: Saga) -> Seen:
        run = self.runs.find(PROVISIONING_DAG, saga.run_id)
        unwinding = is_to_be_unwound(saga)
        return Seen(run, self.runs.find(COMPENSATION_DAG, compensation_run_id(saga)) if unwinding else None)

    def _make(self, move: Move, saga: Saga) -> None:
        match move:
            case Move.PURSUE:
                self._follow(saga)
            case Move.RENEW:
                self._follow(self._record(saga, c.RenewUnwinding(saga.generation), "the compensation run ended early"))
            case Move.LOST:
                self._follow(self._record(saga, c.Cancel(), f"Airflow has no run {saga.run_id} any more"))
            case Move.MISSED:
                self._give_up_for(saga)
            case Move.LOOK:
                self._record(saga, c.NoteHeld(self._why_held(saga)), "")

    def _record(self, saga: Saga, command: c.Command, reason: str) -> Saga:
        return self.ledger.record(saga.tenant_id, command, stamp=Stamp(_BY.actor, reason=reason))

    def _follow(self, saga: Saga, stamp: Stamp = _BY) -> None:
        for sentence in pursue(self.runs, self.ledger, saga, stamp=stamp):
            log.warning("%s: %s", saga.parameters.slug, sentence)
            self.done["put off"] += 1

    def _give_up_for(self, saga: Saga) -> None:
        run = self.runs.find(PROVISIONING_DAG, saga.run_id)
        assert run is not None  # it was there a moment ago
        said = f"Airflow ended the run as {run.state} before it was done, and no callback of its tasks told why"
        self._follow(self._record(saga, c.GiveUp(saga.run_id, said), said))

    def _why_held(self, saga: Saga) -> str:
        silent = tuple(self.runs.silent_parts())
        if silent:
            parts = " and ".join(silent)
            return f"The workflow engine's {parts} gives no sign of life: a platform matter; escalate if it lasts."
        if any(state in _AT_WORK for state in self.runs.task_states(PROVISIONING_DAG, saga.run_id)):
            return ""
        if self.runs.is_paused(PROVISIONING_DAG):
            return f"The DAG {PROVISIONING_DAG} is paused: unpause it in Airflow and the run goes on."
        return "The run waits in Airflow's queue: every place for runs or tasks is taken. It goes on when one is free."


_AT_WORK = frozenset({"running", "deferred", "up_for_retry", "restarting", "up_for_reschedule"})
