"""The timeline of a tenant: what happened in each attempt, activity by activity, read from the facts. Pure.

The demo, the CLI and the console show it. It knows times and statuses; labels and limits come from the plan
(activities/plan.py).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import singledispatch

from tenancy.ledger.envelope import Envelope
from tenancy.saga import facts as f
from tenancy.saga.attempt_values import UNKNOWN_PRODUCT, ProductVersion
from tenancy.saga.names import ActivityName
from tenancy.saga.product import PROVISIONING_DAG
from tenancy.saga.systems import LOST_SYSTEM


class RowStatus(StrEnum):
    """What the row's sign shows."""

    IDLE = "idle"
    RUNNING = "running"
    RETRYING = "retrying"
    """A try failed and Airflow may try again."""
    DONE = "done"
    FAILED = "failed"


class CompensationStatus(StrEnum):
    """How far the row's resources are undone."""

    NO = "no"
    UNDOING = "undoing"
    FAILED = "failed"
    UNDONE = "undone"


@dataclass(frozen=True)
class ActivityRow:
    """One activity in one attempt."""

    activity: ActivityName
    status: RowStatus = RowStatus.IDLE
    undo: CompensationStatus = CompensationStatus.NO
    started_at: datetime | None = None
    ended_at: datetime | None = None
    tries: int = 0
    message: str = ""
    resources: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    """(kind, name) -> might it still exist?"""

    def duration(self, now: datetime) -> timedelta | None:
        """Wall-clock time from its first start to its end, or to `now` while it is active."""
        return None if self.started_at is None else (self.ended_at or now) - self.started_at


@dataclass(frozen=True)
class Timeline:
    """One attempt, activities in the order of the plan it started with."""

    attempt: int
    run_id: str
    started_at: datetime
    rows: tuple[ActivityRow, ...]
    product: ProductVersion = UNKNOWN_PRODUCT
    chart_version: str = ""
    schema_version: str = ""
    dag_id: str = PROVISIONING_DAG
    notes: tuple[str, ...] = ()
    """Sentences that belong to no single row."""

    def row(self, activity: ActivityName) -> ActivityRow:
        """The activity's row; KeyError when this attempt's plan does not have it."""
        return {row.activity: row for row in self.rows}[activity]

    def with_row(self, activity: ActivityName, **changes: object) -> "Timeline":
        """The same timeline with one row changed."""
        rows = (replace(row, **changes) if row.activity == activity else row for row in self.rows)  # type: ignore[arg-type]
        return replace(self, rows=tuple(rows))


def build_timelines(envelopes: Iterable[Envelope]) -> tuple[Timeline, ...]:
    """Every attempt of one tenant's stream, oldest first."""
    done: list[Timeline] = []
    current: Timeline | None = None
    for envelope in envelopes:
        if isinstance(envelope.fact, f.AttemptStarted):
            done += [current] if current else []
            current = _begin_timeline(envelope.fact, envelope.at, current)
        elif current is not None:
            current = _apply(envelope.fact, current, envelope.at)
    return (*done, current) if current else ()


def _begin_timeline(fact: f.AttemptStarted, at: datetime, before: Timeline | None) -> Timeline:
    kept = {row.activity: row.resources for row in before.rows} if before else {}
    rows = tuple(ActivityRow(entry.activity, resources=_live(kept.get(entry.activity, {}))) for entry in fact.plan)
    versions = (fact.product, fact.chart_version, fact.schema_version, fact.dag_id)
    return Timeline(fact.attempt, fact.run_id, at, rows, *versions)


def _live(resources: Mapping[tuple[str, str], bool]) -> dict[tuple[str, str], bool]:
    return {key: True for key, live in resources.items() if live}


@singledispatch
def _apply(fact: f.Fact, timeline: Timeline, at: datetime) -> Timeline:  # noqa: ARG001 - most facts show nowhere
    return timeline


@_apply.register
def _(fact: f.ActivityStarted, timeline: Timeline, at: datetime) -> Timeline:
    row = timeline.row(fact.activity)
    first = row.started_at if row.status in {RowStatus.RUNNING, RowStatus.RETRYING} else at
    return timeline.with_row(
        fact.activity, status=RowStatus.RUNNING, started_at=first, ended_at=None, tries=row.tries + 1
    )


@_apply.register
def _(fact: f.ActivityCompleted, timeline: Timeline, at: datetime) -> Timeline:
    return timeline.with_row(fact.activity, status=RowStatus.DONE, ended_at=at, message="")


@_apply.register
def _(fact: f.ActivityProgressed, timeline: Timeline, at: datetime) -> Timeline:  # noqa: ARG001
    return timeline.with_row(fact.activity, message=fact.message)


@_apply.register
def _(fact: f.ActivityFailed, timeline: Timeline, at: datetime) -> Timeline:
    return timeline.with_row(fact.activity, status=RowStatus.RETRYING, ended_at=at, message=fact.message)


@_apply.register
def _(fact: f.ProvisioningFailed, timeline: Timeline, at: datetime) -> Timeline:
    ended = timeline.row(fact.activity).ended_at or at
    return timeline.with_row(fact.activity, status=RowStatus.FAILED, ended_at=ended, message=fact.message)


@_apply.register
def _(fact: f.ResourceIntended, timeline: Timeline, at: datetime) -> Timeline:  # noqa: ARG001
    resources = {**timeline.row(fact.activity).resources, (fact.resource, fact.name): True}
    return timeline.with_row(fact.activity, resources=resources)


@_apply.register(f.ResourceReleasing)
@_apply.register(f.ResourceFoundAgain)
def _(fact: f.ResourceReleasing | f.ResourceFoundAgain, timeline: Timeline, at: datetime) -> Timeline:  # noqa: ARG001
    row = _owner(timeline, fact.resource, fact.name)
    return timeline.with_row(row.activity, undo=CompensationStatus.UNDOING) if row else timeline


@_apply.register
def _(fact: f.ResourceReleased, timeline: Timeline, at: datetime) -> Timeline:  # noqa: ARG001
    row = _owner(timeline, fact.resource, fact.name)
    if row is None:
        return timeline
    resources = {**row.resources, (fact.resource, fact.name): False}
    undo = CompensationStatus.UNDOING if any(resources.values()) else CompensationStatus.UNDONE
    return timeline.with_row(row.activity, resources=resources, undo=undo)


@_apply.register
def _(fact: f.CompensationFailed, timeline: Timeline, at: datetime) -> Timeline:  # noqa: ARG001
    row = _owner(timeline, fact.resource, fact.name)
    note = f"{fact.resource} {fact.name} could not be undone: {fact.message}"
    shown = timeline.with_row(row.activity, undo=CompensationStatus.FAILED) if row else timeline
    return replace(shown, notes=(*shown.notes, note))


@_apply.register
def _(fact: f.HolderEvicted, timeline: Timeline, at: datetime) -> Timeline:  # noqa: ARG001
    note = f"{fact.holder} did not let go of the tenant's lock on {fact.system}; its session was ended"
    return replace(timeline, notes=(*timeline.notes, note))


@_apply.register
def _(fact: f.SystemReplaced, timeline: Timeline, at: datetime) -> Timeline:  # noqa: ARG001
    successor = "lost" if fact.successor == LOST_SYSTEM else f"replaced by {fact.successor}"
    note = f"{fact.resource} {fact.name}: the platform file {fact.file} declares its system {fact.system} {successor}"
    return replace(timeline, notes=(*timeline.notes, note))


def _owner(timeline: Timeline, kind: str, name: str) -> ActivityRow | None:
    return next((row for row in timeline.rows if (kind, name) in row.resources), None)
