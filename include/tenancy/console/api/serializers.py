"""Serializes tenants, timelines and findings into the API's response models. Pure."""

from collections.abc import Iterable
from datetime import datetime

from tenancy.activities.registry import find_activity
from tenancy.bootstrap import tenant_url_of
from tenancy.console.advisor import Advisor
from tenancy.console.api import history_models, platform_models, tenant_models
from tenancy.engine.actions.actions import ACTIONS
from tenancy.engine.actions.preview import Preview, preview
from tenancy.engine.health.check_results import CheckResult
from tenancy.engine.recovery.progress import Progress
from tenancy.ledger.findings import OpenFinding
from tenancy.ledger.notes import Note
from tenancy.ledger.tenant_summaries import TenantSummary
from tenancy.ledger.timeline import ActivityRow, Timeline
from tenancy.saga import retry_loops
from tenancy.saga.platform import Platform
from tenancy.saga.tenant import Resource, Saga


def row(summary: TenantSummary, advisor: Advisor) -> tenant_models.TenantRow:
    """The tenant in a list."""
    now, advice = advisor.now, advisor.advice(summary)
    activity = find_activity(summary.activity or "")
    return tenant_models.TenantRow(
        id=str(summary.tenant_id),
        slug=summary.parameters.slug,
        name=summary.parameters.name,
        plan=summary.parameters.plan,
        region=summary.parameters.region,
        product=summary.product,
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
        class_issue=summary.incident_group,
        predecessor=str(summary.predecessor) if summary.predecessor else None,
        seq=summary.seq,
    )


def tenant(
    summary: TenantSummary,
    saga: Saga,
    unwinding: Progress,
    findings: Iterable[OpenFinding],
    advisor: Advisor,
    *,
    held: str,
    escalation: str,
    notes: Iterable[Note],
) -> tenant_models.Tenant:
    """The tenant with all that an operator decides by."""
    return tenant_models.Tenant(
        **vars(row(summary, advisor)),
        admin_email=saga.parameters.admin_email,
        parameters=dict(saga.parameters.values),
        failures=[tenant_models.Failure(**vars(failure)) for failure in saga.failures],
        warnings=list(retry_loops.retry_warnings(saga)),
        held=held,
        escalation=escalation,
        progress=progress(unwinding),
        actions={action: _permission(preview(saga, action)) for action in ACTIONS},
        url=tenant_url_of(advisor.platform, saga),
        outputs={activity: dict(values) for activity, values in saga.outputs.items()},
        findings=[finding(each) for each in findings],
        notes=[tenant_models.NoteShape(**vars(note)) for note in notes],
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


def finding(open_finding: OpenFinding) -> platform_models.FindingShape:
    """What a reality check found."""
    details = open_finding.finding
    return platform_models.FindingShape(
        what=details.what,
        kind=details.kind,
        name=details.name,
        region=details.region,
        tenant=str(details.tenant_id) if details.tenant_id else None,
        slug=open_finding.slug,
        since=open_finding.opened_at,
        confirmed_at=open_finding.confirmed_at,
        said=details.message,
    )


def progress(unwinding: Progress) -> tenant_models.ProgressShape:
    """How far an unwinding is."""
    return tenant_models.ProgressShape(
        in_flight=unwinding.in_flight,
        undone=unwinding.undone,
        to_undo=unwinding.to_undo,
        left=resources(unwinding.left),
    )


def resources(found: Iterable[Resource]) -> list[tenant_models.ResourceShape]:
    """Resources without what is secret about them: there is nothing."""
    return [tenant_models.ResourceShape(kind=r.kind, name=r.name, state=r.state, activity=r.activity) for r in found]


def preview_of(preview: Preview) -> tenant_models.PreviewShape:
    """What an action would do."""
    return tenant_models.PreviewShape(
        action=preview.action,
        allowed=preview.allowed,
        refusal=preview.refusal,
        field=preview.field,
        retry_after=preview.retry_after,
        undone=resources(preview.undone),
        kept=resources(preview.kept),
        confirm_slug=preview.confirm_slug,
        confirm_id=preview.confirm_id,
        warnings=list(preview.warnings),
        said=preview.consequence,
    )


def attempt(timeline: Timeline, platform: Platform, now: datetime) -> history_models.Attempt:
    """One attempt's timeline."""
    return history_models.Attempt(
        attempt=timeline.attempt,
        run_id=timeline.run_id,
        dag_id=timeline.dag_id,
        started_at=timeline.started_at,
        product=_product(timeline),
        rows=[_timeline_row(each, platform, now) for each in timeline.rows],
        notes=list(timeline.notes),
    )


def _product(timeline: Timeline) -> history_models.ProductUsed:
    return history_models.ProductUsed(
        **vars(timeline.product), chart_version=timeline.chart_version, schema_version=timeline.schema_version
    )


def _timeline_row(row: ActivityRow, platform: Platform, now: datetime) -> history_models.TimelineRow:
    activity = find_activity(row.activity)  # an old plan may have one that is not installed any more
    limit = platform.stall_limits.get(row.activity, activity.stall_after if activity else None)
    duration = row.duration(now)
    return history_models.TimelineRow(
        activity=row.activity,
        label=activity.label if activity else row.activity,
        short_label=activity.short_label if activity else row.activity,
        status=row.status,
        undo=row.undo,
        started_at=row.started_at,
        ended_at=row.ended_at,
        seconds=duration.total_seconds() if duration is not None else None,
        limit_seconds=limit.total_seconds() if limit else None,
        tries=row.tries,
        message=row.message,
        resources=[history_models.ResourceMark(kind=k, name=n, live=live) for (k, n), live in row.resources.items()],
    )


def _permission(preview: Preview) -> tenant_models.Permission:
    return tenant_models.Permission(
        allowed=preview.allowed,
        refusal=preview.refusal,
        retry_after=preview.retry_after,
        confirm_slug=preview.confirm_slug,
        confirm_id=preview.confirm_id,
    )


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())


def check(result: CheckResult) -> platform_models.HealthCheck:
    """One system of the platform."""
    return platform_models.HealthCheck(
        system=result.system,
        region=result.region,
        part=result.part,
        state=result.state,
        said=result.sentence,
        since=result.since,
        measured=dict(result.measured),
        checked_at=result.checked_at,
        took_seconds=round(result.took_seconds, 3),
    )
