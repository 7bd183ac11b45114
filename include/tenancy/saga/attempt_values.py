"""One attempt of a saga: the plan that it began with, and how far its activities are.

A value of Saga. attempt.py has the rules of attempts, evolve.py changes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, Final

from tenancy.saga.causes import Cause
from tenancy.saga.names import ActivityName, RunId, TaskInstanceId
from tenancy.saga.outputs import NO_OUTPUTS, Outputs
from tenancy.saga.product import PROVISIONING_DAG
from tenancy.saga.states import ActivityKind, StepStatus

EXACT: Final = {"extra": "forbid"}
"""Stored values of these classes have these fields and no others: what a newer version wrote is not read in part
(ledger/envelope.py)."""


@dataclass(frozen=True)
class PlanEntry:
    """One activity as an attempt's plan recorded it, so that old timelines stay true when the product changes."""

    __pydantic_config__: ClassVar = EXACT

    activity: ActivityName
    kind: ActivityKind


@dataclass(frozen=True)
class ProductVersion:
    """The product that an attempt began with. Attempts of version 0.2 and before state none of it."""

    __pydantic_config__: ClassVar = EXACT

    name: str = ""
    version: str = ""
    chart_digest: str = ""
    """Of the chart's files; empty without a chart."""
    values_digest: str = ""
    """Of the values template."""


UNKNOWN_PRODUCT: Final = ProductVersion()


@dataclass(frozen=True)
class Step:
    """One activity in the current attempt. `holder` is the task instance that may record its outcome."""

    status: StepStatus = StepStatus.IDLE
    holder: TaskInstanceId = TaskInstanceId("")
    message: str = ""
    """The last try's error; while it runs, what it waits for."""
    cause: Cause = Cause.UNKNOWN
    """Why its last try failed."""
    outputs: Outputs = field(default_factory=lambda: NO_OUTPUTS)
    """What it returned when it completed."""


@dataclass(frozen=True)
class Attempt:
    """One attempt: its run, its plan, and the steps that have begun. The default is that none was started yet."""

    number: int = 0
    run_id: RunId = RunId("")
    plan: tuple[PlanEntry, ...] = ()
    schema_version: str = ""
    chart_version: str = ""
    steps: Mapping[ActivityName, Step] = field(default_factory=lambda: MappingProxyType({}))
    cancelled: bool = False
    """Did a person cancel it while it was running?"""
    resumed: bool = False
    """Was it resumed because the ledger was older than its run?"""
    history_cleared: bool = True
    """False from a reset until Airflow's history of the run is cleared too."""
    product: str = ""
    """The name of its product; empty in attempts that recorded none."""
    dag_id: str = PROVISIONING_DAG
    """The DAG of its run."""
    clear_number: int = 0
    """How often its run had been cleared in Airflow when it began."""

    def step(self, activity: ActivityName) -> Step:
        """The activity's progress; idle when it has not begun."""
        return self.steps.get(activity, Step())

    def has(self, activity: ActivityName) -> bool:
        """Is the activity in its plan?"""
        return any(entry.activity == activity for entry in self.plan)

    def kind_of(self, activity: ActivityName) -> ActivityKind:
        """The activity's kind in its plan; KeyError when the plan does not have it."""
        return {entry.activity: entry.kind for entry in self.plan}[activity]

    def is_pivot(self, activity: ActivityName) -> bool:
        """Is the activity's completion the point of no return, by its plan?"""
        return self.has(activity) and self.kind_of(activity) is ActivityKind.PIVOT

    @property
    def has_begun(self) -> bool:
        """Has any task of it acted?"""
        return any(step.status is not StepStatus.IDLE for step in self.steps.values())

    @property
    def current_activity(self) -> ActivityName | None:
        """The first activity that is not done; None when all are."""
        pending = (entry.activity for entry in self.plan if self.step(entry.activity).status is not StepStatus.DONE)
        return next(pending, None)

    @property
    def outputs(self) -> Mapping[ActivityName, Outputs]:
        """The outputs of the activities that are done, where they returned any."""
        return {name: step.outputs for name, step in self.steps.items() if step.outputs}

    @property
    def newest_holder(self) -> TaskInstanceId | None:
        """The newest task instance that acted for it; None when none did."""
        return max((step.holder for step in self.steps.values()), default=None)

    def with_step(self, activity: ActivityName, **changes: Any) -> "Attempt":
        """The same attempt with one activity's progress changed."""
        step = replace(self.step(activity), **changes)
        return replace(self, steps=MappingProxyType({**self.steps, activity: step}))


@dataclass(frozen=True)
class Runs:
    """The runs of all attempts, and which of their task instances may never act again."""

    attempts: Mapping[RunId, int] = field(default_factory=lambda: MappingProxyType({}))
    """Run -> its newest attempt."""
    clear_numbers: Mapping[RunId, int] = field(default_factory=lambda: MappingProxyType({}))
    """Run -> how often it had been cleared in Airflow when a task of it began last."""
    fences: Mapping[RunId, TaskInstanceId] = field(default_factory=lambda: MappingProxyType({}))
    """Run -> its newest task instance in an attempt that is over, or that was refused afterwards. It and older ones may
    never act again."""

    def __contains__(self, run_id: RunId) -> bool:
        return run_id in self.attempts

    def attempt_of(self, run_id: RunId) -> int | None:
        """The run's newest attempt; None if it is no run of the tenant."""
        return self.attempts.get(run_id)

    def was_cleared(self, run_id: RunId, clear_number: int) -> bool:
        """Has somebody cleared the run since a task of it began last? `clear_number`: how often it is cleared now. An
        Airflow that was restored from a backup may have counted less."""
        return clear_number != self.clear_numbers.get(run_id, 0)

    def is_fenced(self, run_id: RunId, holder: TaskInstanceId) -> bool:
        """Did the task instance act in an attempt that is over?"""
        fence = self.fences.get(run_id)
        return fence is not None and holder <= fence

    def with_attempt(self, begun: Attempt, *, ended: Attempt) -> "Runs":
        """One attempt begins and the one before it ends: its task instances may not act again, even if somebody clears
        its run in Airflow."""
        attempts = MappingProxyType({**self.attempts, begun.run_id: begun.number})
        clears = MappingProxyType({**self.clear_numbers, begun.run_id: begun.clear_number})
        runs = replace(self, attempts=attempts, clear_numbers=clears)
        newest = ended.newest_holder
        return runs.with_fence(ended.run_id, newest) if newest else runs

    def with_fence(self, run_id: RunId, holder: TaskInstanceId) -> "Runs":
        """This task instance of the run, and older ones, may never act again."""
        newest = max(holder, self.fences.get(run_id, holder))
        return replace(self, fences=MappingProxyType({**self.fences, run_id: newest}))

    def with_clears(self, run_id: RunId, clear_number: int) -> "Runs":
        """A task of the run begins, after this many clears; a worker of an earlier version states none."""
        known = max(clear_number, self.clear_numbers.get(run_id, 0))
        return replace(self, clear_numbers=MappingProxyType({**self.clear_numbers, run_id: known}))
