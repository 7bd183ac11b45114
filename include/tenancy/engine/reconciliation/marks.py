"""Marks made in Airflow: turns a run that somebody marked into a command, and finds out who marked it.

Our listener in Airflow leaves a poke for each mark, and the reconciler calls `Marks.apply` for it. The listener does
not know who made the mark, so that is read from Airflow's event log.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from tenancy.adapters.airflow_runs import SOMEBODY as NO_OWNER
from tenancy.engine.workflow import Runs
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
"""The actor of a mark without an entry in Airflow's event log, such as one made by its bulk API (3.3.2)."""
_AROUND = timedelta(seconds=20)
"""How far log entry and poke may be apart: Airflow logs before it marks, our listener runs after, and the mark itself
may wait up to 8 s for a lock."""


@dataclass(frozen=True)
class AppliedMark:
    """A mark that was recorded as a command: the saga afterwards, and the stamp with the person who made the mark."""

    saga: Saga
    stamp: Stamp


@dataclass(frozen=True)
class Marks:
    """Reads marks and records what they mean."""

    ledger: LedgerSession
    runs: Runs

    def apply(self, poke: Poke) -> AppliedMark | None:
        """Record what the mark means; None if it has no effect. Raises Refused if that is not allowed."""
        tenant_id = self.ledger.tenant_of_run(poke.run_id)
        saga = self.ledger.saga(tenant_id) if tenant_id else None
        if saga is None or self._is_of_an_earlier_attempt(poke, saga):
            return None
        who = self._who(poke, saga)
        if who == self.runs.user:
            return None  # our own user marked the run, to end it after a Cancel
        return self._record(AirflowAction(poke.action), saga, poke.run_id, who)

    def last_person(self, saga: Saga) -> str:
        """Who marked the attempt's run last; empty if nobody or our own user did, or if they may not cancel this
        way."""
        began = self._attempt_began(saga)
        marks = self.runs.marks(saga.dag_id, saga.run_id)
        users = [mark.user for mark in marks if mark.event == "patch_dag_run" and mark.at >= began]
        newest = next(iter(users), "")
        return newest if newest != self.runs.user and _may_cancel(newest, saga) else ""

    def is_marked(self, saga: Saga) -> bool:
        """Was the attempt's run, or a task of it, marked in Airflow since the run was last cleared?

        Marks by our own user do not count: it only marks runs failed, to end them.
        """
        began = self._attempt_began(saga)
        marks = [mark for mark in self.runs.marks(saga.dag_id, saga.run_id) if mark.at >= began]
        since = takewhile(lambda mark: mark.event != "clear_dag_run", marks)  # newest first
        return any(mark.event.startswith("patch") and mark.user != self.runs.user for mark in since)

    def is_run_again(self, saga: Saga) -> bool:
        """Has our own user already cleared the attempt's run?"""
        return any(mark.user == self.runs.user for mark in self.runs.marks(saga.dag_id, saga.run_id))

    def _is_of_an_earlier_attempt(self, poke: Poke, saga: Saga) -> bool:
        """Is the mark older than the attempt? A cleared run keeps its id, so an old mark may name the new attempt's
        run."""
        return poke.at < self._attempt_began(saga)

    def _attempt_began(self, saga: Saga) -> datetime:
        return max(e.at for e in self.ledger.envelopes(saga.tenant_id) if isinstance(e.fact, AttemptStarted))

    def _who(self, poke: Poke, saga: Saga) -> str:
        """Who made the mark nearest in time to the poke, which our listener leaves within the same request."""
        marks = self.runs.marks(saga.dag_id, poke.run_id)
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
            command = GiveUp(run_id, f"{stamp.reason}, by a user whom its event log does not name")
        return AppliedMark(self.ledger.record(saga.tenant_id, command, stamp=stamp), stamp)


def _may_cancel(who: str, saga: Saga) -> bool:
    """Past the point of no return, only a person whom the audit log can name may destroy the tenant's data."""
    return bool(who) and not (saga.past_no_return and who in {SOMEBODY, NO_OWNER})
