"""Invariants of one tenant, whatever is sent to the state machine, in whatever order.

test_saga_machine.py makes a random walk, and each step is checked here.
"""

import json

from hypothesis.stateful import RuleBasedStateMachine, invariant

from tenancy.ledger.envelope import data_of, fact_of
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.decide import decide
from tenancy.saga.errors import Refused
from tenancy.saga.evolve import fold
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId
from tenancy.saga.states import ActivityKind, ResourceState, State, StepStatus
from tenancy.saga.tenant import Lease, Resource, Saga
from tenancy.saga.unwinding_rules import is_to_be_unwound
from tests.unit.sagas import INTENTS, ORDER, PLAN

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
PIVOT = next(entry.activity for entry in PLAN if entry.kind is ActivityKind.PIVOT)
EVERYTHING = {(intent.kind, intent.name) for intents in INTENTS.values() for intent in intents}


class SagaChecks(RuleBasedStateMachine):
    """One tenant, and what the test itself remembers of who acted when. A subclass adds the rules."""

    def __init__(self) -> None:
        super().__init__()
        self.saga: Saga | None = None
        self.log: list[f.Fact] = []
        self.runs: list[RunId] = []
        self.issued: list[Lease] = []
        self.newest: dict[ActivityName, TaskInstanceId] = {}
        """Who acted last for each activity in this attempt."""
        self.holding: dict[ActivityName, TaskInstanceId] = {}
        """Who has begun and not yet reported the outcome."""
        self.over: set[TaskInstanceId] = set()
        """Who acted in an attempt that is over."""
        self.outcomes_end = False
        self.kept = False
        """The last reset was one that keeps resources."""
        self.protected = False
        """The point of no return was passed, and no person has cancelled or decommissioned since."""

    # -- sending a command, and what must hold of each result

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
        assert before.runs.attempts.keys() <= after.runs.attempts.keys()

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
        may_unwind = before.phase in {"Cancelling", "Failed unwinding", "Decommissioning"}
        if isinstance(command, c.UnwindingCommand) and not (may_unwind and command.generation == before.generation):
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
