"""Whatever operators, Airflow and dead processes do, in whatever order: what must always hold, holds.

A random walk over the state machine; saga_checks.py has what must hold. Task instances are numbered as Airflow makes
them. Any of them, of any run and attempt, may send commands again at any time. `HYPOTHESIS_PROFILE=deep` walks 50,000
steps.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from tenancy.saga import commands as c
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId
from tenancy.saga.states import State
from tenancy.saga.tenant import Lease, Parameters
from tenancy.saga.unwinding_rules import is_to_be_unwound
from tests.products import PLAN_ENTRIES
from tests.unit.saga_checks import SagaChecks, named
from tests.unit.sagas import ACME, BETA, INTENTS, ORDER, PLAN, start

RUNBOOK = frozenset({"Provisioning", "Cancelling", "Failed unwinding"})
ACTIVITIES = st.sampled_from(ORDER)
LATE = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5, 8, 13])
"""How many task instances, runs or attempts ago: 0 is the newest."""


T = TypeVar("T")


def late(things: Sequence[T], back: int) -> T:
    return things[-1 - back % len(things)]


Word = Callable[[Lease], c.Command]
WORDS: st.SearchStrategy[Word] = st.sampled_from(
    [
        lambda lease: c.BeginActivity(lease, 1, INTENTS.get(lease.activity, ())),
        c.CompleteActivity,
        lambda lease: c.FailActivity(lease, "TransientError", "no answer"),
        lambda lease: c.ReportProgress(lease, "1 of 3 pods ready"),
        lambda lease: c.GiveUp(lease.run_id, "out of tries", lease.activity, lease.holder),
    ]
)
"""What a process may say of its activity."""


class SagaMachine(SagaChecks):
    """What Airflow, operators and compensations may do, each as a rule."""

    # -- Airflow

    def new_lease(self, activity: ActivityName, run_id: RunId) -> Lease:
        lease = Lease(run_id, activity, TaskInstanceId(f"ti-{len(self.issued):06}"))
        self.issued.append(lease)
        return lease

    @initialize()
    def a_tenant_is_requested(self) -> None:
        self.a_new_run_starts()

    @rule()
    def a_new_run_starts(self) -> None:
        self.runs.append(RunId(f"run-{len(self.runs)}"))
        self.ask(start(self.runs[-1]))

    @rule()
    def a_new_run_asks_for_another_plan(self) -> None:
        self.runs.append(RunId(f"run-{len(self.runs)}"))
        self.ask(start(self.runs[-1], BETA))

    @rule(back=LATE, parameters=st.sampled_from([ACME, BETA]))
    def a_whole_run_is_cleared(self, back: int, parameters: Parameters) -> None:
        self.ask(start(late(self.runs, back), parameters))

    @rule(activity=ACTIVITIES, back=LATE)
    def a_task_of_some_run_is_cleared(self, activity: ActivityName, back: int) -> None:
        lease = self.new_lease(activity, late(self.runs, back))
        self.ask(c.BeginActivity(lease, 2, INTENTS.get(activity, ())))

    @precondition(lambda self: self.newest)
    @rule(back=LATE)
    def a_task_that_acted_is_cleared(self, back: int) -> None:
        assert self.saga is not None
        lease = self.new_lease(late(list(self.newest), back), self.saga.run_id)
        self.ask(c.BeginActivity(lease, 2, INTENTS.get(lease.activity, ())))

    @rule(count=st.integers(min_value=1, max_value=len(ORDER)))
    def the_next_activities_succeed(self, count: int) -> None:
        for _ in range(count):
            self.the_next_activity_succeeds()

    def the_next_activity_succeeds(self) -> None:
        self.the_next_activity_begins()
        self.ask(c.CompleteActivity(self.issued[-1]))

    @rule()
    def the_next_activity_begins(self) -> None:
        assert self.saga is not None
        activity = self.saga.current_activity or ORDER[-1]
        lease = self.new_lease(activity, self.saga.run_id)
        self.ask(c.BeginActivity(lease, 1, INTENTS.get(activity, ())))

    @precondition(lambda self: self.saga.state is State.PROVISIONING)
    @rule()
    def the_next_activity_fails(self) -> None:
        self.the_next_activity_begins()
        self.ask(c.FailActivity(self.issued[-1], "TransientError", "no answer"))

    @precondition(lambda self: self.saga.state is State.PROVISIONING)
    @rule()
    def only_the_flip_is_left(self) -> None:
        assert self.saga is not None
        while self.saga.current_activity != ORDER[-1]:
            self.the_next_activity_succeeds()
        self.the_next_activity_begins()

    @precondition(lambda self: self.saga.state is State.PROVISIONING)
    @rule(activity=ACTIVITIES)
    def a_task_is_cleared_beside_the_flip(self, activity: ActivityName) -> None:
        assert self.saga is not None
        self.only_the_flip_is_left()
        flip = self.issued[-1]
        lease = self.new_lease(activity, self.saga.run_id)
        self.ask(c.BeginActivity(lease, 2, INTENTS.get(activity, ())))
        self.ask(c.CompleteActivity(flip))

    @precondition(lambda self: self.saga.state is State.PROVISIONING)
    @rule()
    def only_the_flip_fails(self) -> None:
        assert self.saga is not None
        self.only_the_flip_is_left()
        self.ask(c.FailActivity(self.issued[-1], "TransientError", "no answer"))
        self.ask(c.GiveUp(self.saga.run_id, "out of tries", ORDER[-1], self.issued[-1].holder))

    @precondition(lambda self: self.issued)
    @rule(back=LATE, word=WORDS)
    def some_process_speaks(self, back: int, word: Word) -> None:
        self.ask(word(late(self.issued, back)))

    @precondition(lambda self: self.rivals())
    @rule(back=LATE, word=WORDS)
    def a_process_of_the_activity_under_way_speaks(self, back: int, word: Word) -> None:
        self.ask(word(late(self.rivals(), back)))

    def rivals(self) -> list[Lease]:
        """Every task instance there ever was of the activity that is under way, in the current run."""
        saga = self.saga
        if saga is None:
            return []
        return [
            lease for lease in self.issued if (lease.run_id, lease.activity) == (saga.run_id, saga.current_activity)
        ]

    @rule(back=LATE)
    def some_run_ends_unfinished(self, back: int) -> None:
        self.ask(c.GiveUp(late(self.runs, back), "the run timed out"))

    @rule(activity=ACTIVITIES, back=LATE)
    def a_task_is_marked_failed(self, activity: ActivityName, back: int) -> None:
        self.ask(c.GiveUp(late(self.runs, back), "marked failed", activity))

    @rule(back=LATE)
    def a_run_turns_out_to_have_ended_well(self, back: int) -> None:
        """The ledger was restored from a backup, and the reconciler lets the attempt go on."""
        self.ask(c.ResumeAttempt(late(self.runs, back), "the ledger is older than its run"))

    # -- operators

    @rule()
    def an_operator_cancels(self) -> None:
        self.ask(c.Cancel())

    @rule()
    def an_operator_resets(self) -> None:
        self.ask(c.Reset())

    @rule()
    def an_engineer_forces_a_reset(self) -> None:
        self.ask(c.Reset(force=True, platform_role=True, reason="INC-7"))

    @rule()
    def an_operator_decommissions(self) -> None:
        self.ask(c.Decommission())

    @precondition(lambda self: self.saga.state is State.DECOMMISSIONED)
    @rule()
    def an_operator_recreates(self) -> None:
        """A new tenant with its own facts; Airflow's runs and task instances go on."""
        self.saga, self.log, self.kept, self.protected = None, [], False, False
        self.newest, self.holding, self.over = {}, {}, set()
        self.a_new_run_starts()

    @rule(message=st.sampled_from(["", "the DAG is paused"]))
    def the_run_is_held(self, message: str) -> None:
        self.ask(c.RecordHold(message))

    @rule()
    def the_history_is_cleared(self) -> None:
        self.ask(c.RecordHistoryCleared())

    @rule()
    def an_operator_escalates(self) -> None:
        self.ask(c.Escalate())

    @precondition(lambda self: self.saga.phase in RUNBOOK)
    @rule(clear=st.booleans())
    def an_operator_follows_the_runbook(self, clear: bool) -> None:
        """Cancel, wait, reset and retry; or clear the whole run, which means the same."""
        assert self.saga is not None
        self.ask(c.Cancel())
        self.compensations_succeed()
        if clear:
            self.ask(start(self.saga.run_id))
        else:
            self.ask(c.Reset())
            self.a_new_run_starts()

    # -- compensations

    @precondition(lambda self: self.saga.resources)
    @rule(
        back=LATE,
        generations_ago=st.sampled_from([0, 0, 0, 1]),
        make=st.sampled_from(
            [
                c.ReleaseResource,
                c.ConfirmReleased,
                c.ReportFoundAgain,
                lambda generation, kind, name: c.ReportCompensationFailure(
                    generation, kind, name, "TransientError", "no answer"
                ),
            ]
        ),
    )
    def a_compensation_reports(
        self, back: int, generations_ago: int, make: Callable[[int, str, str], c.Command]
    ) -> None:
        assert self.saga is not None
        resource = late(self.saga.resources, back)
        self.ask(make(self.saga.generation - generations_ago, resource.kind, resource.name))

    @rule(
        generations_ago=st.sampled_from([0, 0, 0, 1]),
        make=st.sampled_from([c.CheckUnwinding, c.RenewUnwinding, c.Settle, c.ExhaustUnwinding]),
    )
    def unwinding_reports(self, generations_ago: int, make: Callable[[int], c.Command]) -> None:
        assert self.saga is not None
        self.ask(make(self.saga.generation - generations_ago))

    @precondition(lambda self: is_to_be_unwound(self.saga))
    @rule()
    def compensations_succeed(self) -> None:
        assert self.saga is not None
        for resource in reversed(self.saga.live_resources):
            self.ask(c.ReleaseResource(self.saga.generation, resource.kind, resource.name))
            self.ask(c.ConfirmReleased(self.saga.generation, resource.kind, resource.name))
        self.ask(c.Settle(self.saga.generation))
        assert self.saga.phase in {"Failed settled", "Decommissioned"}

    @precondition(lambda self: self.saga.phase in {"Cancelling", "Failed unwinding"})
    @rule()
    def an_unwinding_turns_out_to_be_of_an_older_ledger(self) -> None:
        """The reconciler stops it: only another word of a person continues."""
        assert self.saga is not None
        self.ask(c.ExhaustUnwinding(self.saga.generation, "the ledger is older", keep_resources=True))
        assert self.saga.phase == "Failed stuck"

    @precondition(lambda self: is_to_be_unwound(self.saga) and self.saga.live_resources)
    @rule()
    def compensations_run_out_of_tries(self) -> None:
        assert self.saga is not None
        last = (self.saga.generation, *named(self.saga.live_resources[-1]))
        self.ask(c.ReleaseResource(*last))
        self.ask(c.ReportCompensationFailure(*last, "TransientError", "no answer"))
        self.ask(c.ExhaustUnwinding(self.saga.generation))


class NobodyDestroys(SagaMachine):
    """The same walk, in which no person cancels or decommissions once the point of no return is passed."""

    def ask(self, command: c.Command) -> None:
        if not (self.protected and isinstance(command, (c.Cancel, c.Decommission))):
            super().ask(command)

    @precondition(lambda self: not self.protected and self.saga.phase in RUNBOOK)
    @rule(clear=st.booleans())
    def an_operator_follows_the_runbook(self, clear: bool) -> None:
        super().an_operator_follows_the_runbook(clear)

    @precondition(lambda self: self.saga.state is State.PROVISIONING and not self.protected)
    @rule(ready=st.booleans())
    def the_point_of_no_return_is_passed(self, ready: bool) -> None:
        assert self.saga is not None
        if ready:
            self.only_the_flip_is_left()
        else:
            self.ask(c.ResumeAttempt(self.saga.run_id, "the ledger is older than its run"))

    @precondition(lambda self: self.protected and self.saga.state is State.PROVISIONING)
    @rule(activity=ACTIVITIES, begun=st.booleans())
    def an_attempt_behind_it_fails_and_is_retried(self, activity: ActivityName, begun: bool) -> None:
        """At whatever activity, with and without the runbook's reset."""
        assert self.saga is not None
        while begun and self.saga.current_activity not in {activity, ORDER[-1]}:
            self.the_next_activity_succeeds()
        self.ask(c.GiveUp(self.saga.run_id, "out of tries", activity))
        assert self.saga.phase == "Failed retained"
        if begun:
            self.ask(c.Reset())
            self.a_new_run_starts()
        else:
            self.ask(start(self.saga.run_id))

    @invariant()
    def nothing_is_ever_destroyed(self) -> None:
        assert not (self.protected and is_to_be_unwound(self.saga))


TestSagaMachine = SagaMachine.TestCase
TestNobodyDestroys = NobodyDestroys.TestCase


def test_the_walks_plan_is_the_installed_one_or_a_part_of_it() -> None:
    assert tuple(entry for entry in PLAN_ENTRIES if entry.activity in ORDER) == PLAN
    assert INTENTS.keys() <= set(ORDER)
