"""Marks made in Airflow: what a poke of the listener comes to, and who made the mark, by Airflow's event log."""

from dataclasses import dataclass
from datetime import timedelta

from tenancy.engine.workflow import PROVISIONING_DAG, Runs
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.rounds import Poke
from tenancy.saga.facts import AttemptStarted, RawActionNoted
from tenancy.saga.names import RunId
from tenancy.saga.raw_actions import Meaning, RawAction, as_command, meaning
from tenancy.saga.tenant import Saga

MARK_RUN = "mark run failed in Airflow"
_AROUND = timedelta(seconds=20)
"""Airflow writes its log before it marks, and our listener after: a mark that waits for a lock takes up to 8 s."""


@dataclass(frozen=True)
class Heeded:
    """A mark became a command: the saga afterwards, and who is to answer for it."""

    saga: Saga
    stamp: Stamp


@dataclass(frozen=True)
class Marks:
    """Reads marks and puts them to the law."""

    ledger: LedgerSession
    runs: Runs

    def heed(self, poke: Poke) -> Heeded | None:
        """Record what the mark means; None when it means nothing. Raises Refused when the law does not allow it."""
        tenant_id = self.ledger.tenant_of_run(poke.run_id)
        saga = self.ledger.saga(tenant_id) if tenant_id else None
        if saga is None or self._is_of_an_earlier_attempt(poke, saga):
            return None
        who = self._who(poke)
        if who == self.runs.user:
            return None  # we marked it ourselves, after a Cancel
        return self._obey(RawAction(poke.action), saga, poke.run_id, who)

    def last_person(self, run_id: RunId) -> str:
        """Who marked the run last; empty when that was nobody, or ourselves."""
        runs = [mark.user for mark in self.runs.marks(PROVISIONING_DAG, run_id) if mark.event == "patch_dag_run"]
        newest = next(iter(runs), "")
        return "" if newest == self.runs.user else newest

    def is_touched(self, run_id: RunId) -> bool:
        """Was the run or a task of it marked by hand, or made to go on by ourselves?"""
        marks = self.runs.marks(PROVISIONING_DAG, run_id)
        return any(mark.event.startswith("patch") or mark.user == self.runs.user for mark in marks)

    def _is_of_an_earlier_attempt(self, poke: Poke, saga: Saga) -> bool:
        """A cleared run keeps its id: what was done to it before its new attempt is over."""
        started = (e.at for e in self.ledger.envelopes(saga.tenant_id) if isinstance(e.fact, AttemptStarted))
        return poke.at < max(started)

    def _who(self, poke: Poke) -> str:
        """The mark nearest to the poke, which our listener leaves within the very request."""
        marks = self.runs.marks(PROVISIONING_DAG, poke.run_id)
        near = [mark for mark in marks if abs(mark.at - poke.at) < _AROUND]
        return min(near, key=lambda mark: abs(mark.at - poke.at)).user if near else "somebody in Airflow"

    def _obey(self, action: RawAction, saga: Saga, run_id: RunId, who: str) -> Heeded | None:
        stamp = Stamp(who, reason=f"{action} in Airflow")
        if meaning(action, saga, run_id) is Meaning.NOTE:
            self.ledger.note(saga.tenant_id, RawActionNoted(action, run_id), stamp=stamp)
        command = as_command(action, saga, run_id, None)
        if command is None:
            return None
        return Heeded(self.ledger.record(saga.tenant_id, command, stamp=stamp), stamp)
