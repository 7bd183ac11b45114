"""Marks made in Airflow: what a poke of the listener comes to, and who made the mark, by Airflow's event log."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from tenancy.adapters.airflow_runs import SOMEBODY as NO_OWNER
from tenancy.engine.workflow import PROVISIONING_DAG, Runs
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.pokes import Poke
from tenancy.saga.airflow_actions import AirflowAction, Meaning, command_for, meaning
from tenancy.saga.commands import Cancel, GiveUp
from tenancy.saga.facts import AttemptStarted, RawActionNoted
from tenancy.saga.names import RunId
from tenancy.saga.tenant import Saga

MARK_RUN = "mark run failed in Airflow"
SOMEBODY = "somebody in Airflow"
"""A mark of which Airflow's event log has no entry, such as by its bulk route (3.3.2)."""
_AROUND = timedelta(seconds=20)
"""Airflow writes its log before it marks, and our listener after: a mark that waits for a lock takes up to 8 s."""


@dataclass(frozen=True)
class AppliedMark:
    """A mark became a command: the saga afterwards, and who is to answer for it."""

    saga: Saga
    stamp: Stamp


@dataclass(frozen=True)
class Marks:
    """Reads marks and puts them to the law."""

    ledger: LedgerSession
    runs: Runs

    def apply(self, poke: Poke) -> AppliedMark | None:
        """Record what the mark means; None when it means nothing. Raises Refused when the law does not allow it."""
        tenant_id = self.ledger.tenant_of_run(poke.run_id)
        saga = self.ledger.saga(tenant_id) if tenant_id else None
        if saga is None or self._is_of_an_earlier_attempt(poke, saga):
            return None
        who = self._who(poke)
        if who == self.runs.user:
            return None  # we marked it ourselves, after a Cancel
        return self._record(AirflowAction(poke.action), saga, poke.run_id, who)

    def last_person(self, saga: Saga) -> str:
        """Who marked the attempt's run last; empty when that was nobody, ourselves, or may not cancel this way."""
        began = self._attempt_began(saga)
        marks = self.runs.marks(PROVISIONING_DAG, saga.run_id)
        users = [mark.user for mark in marks if mark.event == "patch_dag_run" and mark.at >= began]
        newest = next(iter(users), "")
        return newest if newest != self.runs.user and _may_cancel(newest, saga) else ""

    def is_marked(self, saga: Saga) -> bool:
        """Was the attempt's run or a task of it marked by hand, since it was last cleared as a whole?

        Our own user only ever marks runs failed.
        """
        began = self._attempt_began(saga)
        marks = [mark for mark in self.runs.marks(PROVISIONING_DAG, saga.run_id) if mark.at >= began]
        since = takewhile(lambda mark: mark.event != "clear_dag_run", marks)  # newest first
        return any(mark.event.startswith("patch") and mark.user != self.runs.user for mark in since)

    def is_run_again(self, run_id: RunId) -> bool:
        """Did our own user clear the run?"""
        return any(mark.user == self.runs.user for mark in self.runs.marks(PROVISIONING_DAG, run_id))

    def _is_of_an_earlier_attempt(self, poke: Poke, saga: Saga) -> bool:
        """A cleared run keeps its id: what was done to it before its new attempt is over."""
        return poke.at < self._attempt_began(saga)

    def _attempt_began(self, saga: Saga) -> datetime:
        return max(e.at for e in self.ledger.envelopes(saga.tenant_id) if isinstance(e.fact, AttemptStarted))

    def _who(self, poke: Poke) -> str:
        """The mark nearest to the poke, which our listener leaves within the very request."""
        marks = self.runs.marks(PROVISIONING_DAG, poke.run_id)
        near = [mark for mark in marks if abs(mark.at - poke.at) < _AROUND]
        return min(near, key=lambda mark: abs(mark.at - poke.at)).user if near else SOMEBODY

    def _record(self, action: AirflowAction, saga: Saga, run_id: RunId, who: str) -> AppliedMark | None:
        stamp = Stamp(who, reason=f"{action} in Airflow")
        if meaning(action, saga, run_id) is Meaning.NOTE:
            self.ledger.append_notice(saga.tenant_id, RawActionNoted(action, run_id), stamp=stamp)
        command = command_for(action, saga, run_id, None)
        if command is None:
            return None
        if isinstance(command, Cancel) and not _may_cancel(who, saga):
            command = GiveUp(run_id, f"{stamp.reason}, by nobody that its event log names")
        return AppliedMark(self.ledger.record(saga.tenant_id, command, stamp=stamp), stamp)


def _may_cancel(who: str, saga: Saga) -> bool:
    """Once a customer's data is at stake, only a person whom the audit log can name destroys it."""
    return bool(who) and not (saga.past_no_return and who in {SOMEBODY, NO_OWNER})
