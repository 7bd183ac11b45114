"""Whatever operators, Airflow and dead processes do, in whatever order: what must always hold, holds.

A random walk over the law. Task instances are numbered as Airflow makes them; any of them, of any run and attempt,
may speak again at any time. `HYPOTHESIS_PROFILE=deep` walks 50,000 steps.
"""

import json
from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tenancy.activities.plan import plan_entries
from tenancy.ledger.envelope import data_of, fact_of
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.decide import decide
from tenancy.saga.errors import Refused
from tenancy.saga.evolve import fold
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId
from tenancy.saga.states import ActivityKind, ResourceState, State, StepStatus
from tenancy.saga.tenant import Lease, Parameters, Resource, Saga
from tenancy.saga.unwinding import is_to_be_unwound
from tests.unit.sagas import ACME, BETA, INTENTS, ORDER, PLAN, start

DESTROYS = (
    f.UnwindingStarted,
    f.CancelRequested,
    f.DecommissionRequested,
    f.ResourceReleasing,
    f.ResourceReleased,
    f.UnwindingExhausted,
    f.Settled,
    f.TenantDecommissioned,
)
ENDS_OUTCOMES = (
    f.CancelRequested,
    f.ProvisioningFailed,
    f.ProvisioningCompleted,
    f.DecommissionRequested,
    f.RunReset,
)
OUTCOMES = (c.BeginActivity, c.CompleteActivity, c.FailActivity, c.ReportProgress)
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


class SagaMachine(RuleBasedStateMachine):
    """One tenant, and beside it what the test itself remembers of who acted when."""

    def __init__(self) -> None:
        super().__init__()
        self.saga: Saga | None = None
        self.log: list[f.Fact] = []
        self.runs: list[RunId] = []
        self.issued: list[Lease] = []
        self.newest: dict[ActivityName, TaskInstanceId] = {}
        """Who acted last for each activity in this attempt."""
        self.holding: dict[ActivityName, TaskInstanceId] = {}
        """Who has begun and not yet said how it went."""
        self.over: set[TaskInstanceId] = set()
        """Who acted in an attempt that is over."""
        self.outcomes_end = False
        self.kept = False
        """The last reset was one that keeps resources."""
        self.protected = False
        """The point of no return was passed, and no person has cancelled or decommissioned since."""

    # -- asking the law, and what must hold of every answer

    def ask(self, command: c.Command) -> None:
        before = self.saga
        facts = self._answer(command)
        self.saga = fold(facts, before)
        if before is not None and self.saga is not None:
            self._only_grows(before, self.saga, len(facts))
            self._no_outcome_after_the_end(command, facts)
            self._stale_changes_nothing(command, before, facts)
            self._unwinds_only_what_is_to_be_unwound(command, before, facts)
        self._only_a_person_destroys(command, facts)
        for fact in facts:
            self._remember(fact, before)

    def _answer(self, command: c.Command) -> tuple[f.Fact, ...]:
        def once() -> tuple[tuple[f.Fact, ...], str | None]:
            try:
                return decide(self.saga, command), None
            except Refused as refusal:
                return (), str(refusal)

        facts, sentence = once()
        assert (facts, sentence) == once(), "decide is deterministic"
        assert sentence is None or sentence.endswith("."), "a refusal is a sentence"
        return facts

    @staticmethod
    def _only_grows(before: Saga, after: Saga, made: int) -> None:
        assert after.seq == before.seq + made
        assert before.attempt <= after.attempt <= before.attempt + 1
        assert before.generation <= after.generation <= before.generation + 1
        assert after.failures[: len(before.failures)] == before.failures, "history is kept"
        assert before.runs.keys() <= after.runs.keys()

    def _no_outcome_after_the_end(self, command: c.Command, facts: tuple[f.Fact, ...]) -> None:
        if self.outcomes_end and isinstance(command, (*OUTCOMES, c.GiveUp)):
            assert facts == ()

    def _stale_changes_nothing(self, command: c.Command, before: Saga, facts: tuple[f.Fact, ...]) -> None:
        if isinstance(command, c.GiveUp) and command.run_id != before.run_id:
            assert facts == ()
        if isinstance(command, OUTCOMES):
            speaker = command.lease
        elif isinstance(command, c.GiveUp) and command.activity and command.holder:
            speaker = Lease(command.run_id, command.activity, command.holder)
        else:
            return
        newest = self.newest.get(speaker.activity, "")
        superseded = speaker.holder < newest or speaker.holder in self.over or speaker.run_id != before.run_id
        reports = isinstance(command, (c.CompleteActivity, c.FailActivity, c.ReportProgress))
        without_lease = reports and speaker.holder != self.holding.get(speaker.activity)
        if superseded or without_lease:
            assert facts == ()

    @staticmethod
    def _unwinds_only_what_is_to_be_unwound(command: c.Command, before: Saga, facts: tuple[f.Fact, ...]) -> None:
        wanted = before.phase in {"Cancelling", "Failed unwinding", "Decommissioning"}
        if isinstance(command, c.UnwindingCommand) and not (wanted and command.generation == before.generation):
            assert facts == ()
        if any(isinstance(fact, f.ResourceReleased) for fact in facts):
            assert isinstance(command, c.UnwindingCommand)

    def _only_a_person_destroys(self, command: c.Command, facts: tuple[f.Fact, ...]) -> None:
        if isinstance(command, (c.Cancel, c.Decommission)) and facts:
            self.protected = False
        if self.protected and not getattr(command, "keeps", False):
            assert not [fact for fact in facts if isinstance(fact, DESTROYS)]
            assert not is_to_be_unwound(self.saga)

    def _remember(self, fact: f.Fact, before: Saga | None) -> None:
        self.log.append(fact)
        assert fact_of(fact.kind, json.loads(json.dumps(data_of(fact)))) == fact, "every fact survives its storage"
        if isinstance(fact, ENDS_OUTCOMES):
            self.outcomes_end = True
        if isinstance(fact, f.ActivityStarted):
            self.newest[fact.activity] = self.holding[fact.activity] = fact.holder
        elif isinstance(fact, (f.ActivityFailed, f.ActivityCompleted)):
            del self.holding[fact.activity]
        elif isinstance(fact, f.PointOfNoReturnPassed):
            self.protected = True
        elif isinstance(fact, f.RunReset):
            assert before is not None
            self.kept = fact.forced or before.phase == "Failed retained"
        elif isinstance(fact, f.AttemptStarted):
            self.over |= set(self.newest.values())
            self.newest, self.holding = {}, {}
            self.outcomes_end = False

    # -- what Airflow does

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

    # -- what operators do

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

    # -- what compensations do

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

    # -- what must hold after every step

    @invariant()
    def the_saga_is_the_fold_of_its_facts(self) -> None:
        assert fold(self.log) == self.saga
        assert self.saga is None or self.saga.seq == len(self.log)

    @invariant()
    def active_means_that_everything_is_done_and_there(self) -> None:
        if self.saga is not None and self.saga.state is State.ACTIVE:
            assert {self.saga.step(activity).status for activity in ORDER} == {StepStatus.DONE}
            assert present(self.saga) == EVERYTHING
            assert {resource.state for resource in self.saga.live_resources} == {ResourceState.PRESENT}

    @invariant()
    def retained_means_that_the_point_of_no_return_was_passed(self) -> None:
        if self.saga is not None and self.saga.phase == "Failed retained":
            assert self.saga.past_no_return

    @invariant()
    def whoever_passed_the_point_of_no_return_has_it_in_the_facts(self) -> None:
        """Until all was observed gone: then there is nothing left to protect."""
        facts = [fact for fact in self.log if isinstance(fact, (f.PointOfNoReturnPassed, f.Settled))]
        passed = bool(facts) and isinstance(facts[-1], f.PointOfNoReturnPassed)
        assert self.saga is None or self.saga.past_no_return is passed

    @invariant()
    def the_attempt_that_passed_the_pivot_is_past_the_point_of_no_return(self) -> None:
        if self.saga is not None and self.saga.step(PIVOT).status is StepStatus.DONE and self.saga.live_resources:
            assert self.saga.past_no_return

    @invariant()
    def settled_means_that_nothing_is_left(self) -> None:
        if self.saga is not None and self.saga.phase in {"Failed settled", "Decommissioned"}:
            assert self.saga.live_resources == ()

    @invariant()
    def a_ready_tenant_has_something_only_if_its_reset_kept_it(self) -> None:
        if self.saga is not None and self.saga.phase == "Failed ready" and self.saga.live_resources:
            assert self.kept

    @invariant()
    def no_object_is_known_twice(self) -> None:
        if self.saga is not None:
            assert len({named(resource) for resource in self.saga.resources}) == len(self.saga.resources)

    @invariant()
    def only_a_failed_tenant_has_a_substate(self) -> None:
        if self.saga is not None:
            assert (self.saga.substate is not None) is (self.saga.state is State.FAILED)


def named(resource: Resource) -> tuple[str, str]:
    return (resource.kind, resource.name)


def present(saga: Saga) -> set[tuple[str, str]]:
    return {named(resource) for resource in saga.resources if resource.state is ResourceState.PRESENT}


PIVOT = next(entry.activity for entry in PLAN if entry.kind is ActivityKind.PIVOT)
EVERYTHING = {(intent.kind, intent.name) for intents in INTENTS.values() for intent in intents}


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
    assert tuple(entry for entry in plan_entries() if entry.activity in ORDER) == PLAN
    assert INTENTS.keys() <= set(ORDER)
