"""Serializes tenants, timelines and findings into the API's response models. Pure."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from tenancy.activities.activity import Activity
from tenancy.activities.plan import PLAN
from tenancy.bootstrap import tenant_url
from tenancy.console.advisor import Advisor
from tenancy.console.api import history_models, platform_models, tenant_models
from tenancy.engine.actions import ACTIONS
from tenancy.engine.health import CheckResult
from tenancy.engine.preview import Preview, preview
from tenancy.engine.progress import Progress
from tenancy.ledger.findings import OpenFinding
from tenancy.ledger.tenant_summaries import TenantSummary
from tenancy.ledger.timeline import Timeline, TimelineRow
from tenancy.saga import retry_loops
from tenancy.saga.platform import Platform
from tenancy.saga.tenant import Resource, Saga

_BY_NAME: Final[dict[str, Activity]] = {activity.name: activity for activity in PLAN}


def row(summary: TenantSummary, advisor: Advisor) -> tenant_models.TenantRow:
    """The tenant in a list."""
    now, advice = advisor.now, advisor.advice(summary)
    activity = _BY_NAME.get(summary.activity or "")
    return tenant_models.TenantRow(
        id=str(summary.tenant_id),
        slug=summary.parameters.slug,
        name=summary.parameters.name,
        plan=summary.parameters.plan,
        region=summary.parameters.region,
        state=summary.state,
        substate=summary.substate,
        activity=summary.activity,
        activity_label=activity.label if activity else summary.activity,
        attempt=summary.attempt,
        generation=summary.generation,
        run_id=summary.run_id,
        created_at=summary.created_at,
        state_since=summary.state_since,
        seconds_in_state=_seconds(summary.state_since, now),
        needs_attention=summary.needs_attention,
        next_action=advice.sentence,
        advice=tenant_models.AdviceShape(
            action=advice.action,
            until=advice.until,
            seconds_left=_seconds(now, advice.until) if advice.until else None,
            not_its_fault=advice.not_its_fault,
            warning=advice.warning,
        ),
        why=advisor.evidence(summary),
        stall=_stall(summary, advisor),
        platform_trouble=[f"{check.name}: {check.sentence}" for check in advisor.checks(summary)],
        class_issue=summary.class_issue,
        predecessor=str(summary.predecessor) if summary.predecessor else None,
        seq=summary.seq,
    )


def tenant(
    summary: TenantSummary,
    saga: Saga,
    seen: Progress,
    found: Iterable[OpenFinding],
    advisor: Advisor,
    *,
    held: str,
    escalation: str,
) -> tenant_models.Tenant:
    """The tenant with all that an operator decides by."""
    return tenant_models.Tenant(
        **vars(row(summary, advisor)),
        admin_email=saga.parameters.admin_email,
        failures=[tenant_models.Failure(**vars(failure)) for failure in saga.failures],
        warnings=list(retry_loops.retry_warnings(saga)),
        held=held,
        escalation=escalation,
        progress=progress(seen),
        actions={action: _permission(preview(saga, action)) for action in ACTIONS},
        url=tenant_url(advisor.platform, saga.parameters) if saga.live_resources else "",
        findings=[finding(each) for each in found],
    )


def _stall(summary: TenantSummary, advisor: Advisor) -> tenant_models.StallShape | None:
    stall = advisor.stall(summary)
    if stall is None:
        return None
    return tenant_models.StallShape(
        kind=stall.kind,
        activity=stall.activity,
        since=stall.since,
        limit_seconds=stall.limit.total_seconds(),
        cause=advisor.cause(summary),
        said=advisor.evidence(summary),
    )


def finding(seen: OpenFinding) -> platform_models.FindingShape:
    """What a reality check found."""
    found = seen.finding
    return platform_models.FindingShape(
        what=found.what,
        kind=found.kind,
        name=found.name,
        region=found.region,
        tenant=str(found.tenant_id) if found.tenant_id else None,
        slug=seen.slug,
        since=seen.opened_at,
        confirmed_at=seen.confirmed_at,
        said=found.message,
    )


def progress(seen: Progress) -> tenant_models.ProgressShape:
    """How far an unwinding is."""
    return tenant_models.ProgressShape(
        in_flight=seen.in_flight, undone=seen.undone, to_undo=seen.to_undo, left=resources(seen.left)
    )


def resources(seen: Iterable[Resource]) -> list[tenant_models.ResourceShape]:
    """Resources without what is secret about them: there is nothing."""
    return [tenant_models.ResourceShape(kind=r.kind, name=r.name, state=r.state, activity=r.activity) for r in seen]


def preview_of(seen: Preview) -> tenant_models.PreviewShape:
    """What an action would do."""
    return tenant_models.PreviewShape(
        action=seen.action,
        allowed=seen.allowed,
        refusal=seen.refusal,
        field=seen.field,
        retry_after=seen.retry_after,
        undone=resources(seen.undone),
        kept=resources(seen.kept),
        confirm_slug=seen.confirm_slug,
        confirm_id=seen.confirm_id,
        warnings=list(seen.warnings),
        said=seen.consequence,
    )


def attempt(timeline: Timeline, platform: Platform, now: datetime) -> history_models.Attempt:
    """One attempt's timeline."""
    return history_models.Attempt(
        attempt=timeline.attempt,
        run_id=timeline.run_id,
        started_at=timeline.started_at,
        rows=[_timeline_row(each, platform, now) for each in timeline.rows],
        notes=list(timeline.notes),
    )


def _timeline_row(seen: TimelineRow, platform: Platform, now: datetime) -> history_models.TimelineRow:
    activity = _BY_NAME.get(seen.activity)  # an old plan may have one that PLAN has no more
    limit = platform.stall_limits.get(seen.activity, activity.stall_after if activity else None)
    duration = seen.duration(now)
    return history_models.TimelineRow(
        activity=seen.activity,
        label=activity.label if activity else seen.activity,
        short_label=activity.short_label if activity else seen.activity,
        status=seen.status,
        undo=seen.undo,
        started_at=seen.started_at,
        ended_at=seen.ended_at,
        seconds=duration.total_seconds() if duration is not None else None,
        limit_seconds=limit.total_seconds() if limit else None,
        tries=seen.tries,
        message=seen.message,
        resources=[history_models.ResourceMark(kind=k, name=n, live=live) for (k, n), live in seen.resources.items()],
    )


def _permission(seen: Preview) -> tenant_models.Permission:
    return tenant_models.Permission(
        allowed=seen.allowed,
        refusal=seen.refusal,
        retry_after=seen.retry_after,
        confirm_slug=seen.confirm_slug,
        confirm_id=seen.confirm_id,
    )


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())


def check(found: CheckResult) -> platform_models.HealthCheck:
    """One system of the platform."""
    return platform_models.HealthCheck(
        system=found.system,
        region=found.region,
        part=found.part,
        state=found.state,
        said=found.sentence,
        since=found.since,
        measured=dict(found.measured),
        checked_at=found.checked_at,
        took_seconds=round(found.took_seconds, 3),
    )
