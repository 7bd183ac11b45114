"""The commands that run for minutes: watch and recover."""

import json
from typing import Final

from tenantctl.actions import confirmable, require_id
from tenantctl.commands import CommandSpec
from tenantctl.exit_codes import ExitCode, UsageError
from tenantctl.group_plan import AT_ONCE
from tenantctl.incident_groups import recover_class
from tenantctl.options import AtOnce, ClassId, Confirm, DryRun, MaybeRef, Reason, Ref, Timeout, Yes
from tenantctl.polling import DEFAULT_TIMEOUT_SECONDS
from tenantctl.recovery import DESTROYS_WHY, SLUG_WHY, Recovery, preview_recovery, report_end
from tenantctl.recovery_step import RecoveryStep
from tenantctl.session import Session


def watch(session: Session, ref: Ref, *, timeout: Timeout = DEFAULT_TIMEOUT_SECONDS) -> ExitCode:
    """Watch the timeline, live.

    It ends when the tenant is at rest, with exit code 1 if the tenant is Failed."""
    from tenantctl import timeline_watch

    return timeline_watch.watch_tenant(session, ref, timeout)


def recover(
    session: Session,
    ref: MaybeRef = None,
    *,
    class_id: ClassId = None,
    at_once: AtOnce = AT_ONCE,
    reason: Reason = None,
    dry_run: DryRun = False,
    confirm: Confirm = None,
    yes: Yes = False,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
) -> ExitCode:
    """Recover a tenant: cancel what is stalled, reset, retry.

    It waits for each step and skips steps that are not needed. It waits for an attempt that is not stalled, and for one
    that the platform holds. It stops when the retry fails with the same error as the attempt before: then the cause
    is not transient. With --class it recovers all tenants of an incident group: one first, then a few at a time, until
    one fails.
    """
    if (ref is None) == (class_id is None):
        raise UsageError("Name a tenant, or a class by --class ID (`tenantctl classes` lists them).")
    if class_id is not None:
        return recover_class(
            session, class_id, reason=reason, dry_run=dry_run, at_once=at_once, yes=yes, timeout=timeout
        )
    assert ref is not None  # one of them is given
    step = preview_recovery(session, ref)
    if step.has_ended or dry_run:
        return _report_plan(session, step)
    tenant = step.tenant
    why = session.require_reason(reason, f"recover {tenant.slug}")
    if step.needs_slug:
        if step.destroys:
            require_id(ref, tenant, confirm)
        why_slug = DESTROYS_WHY if step.destroys else SLUG_WHY
        confirm = session.require_typed_slug(confirm, tenant, why_slug, confirmable("recover", tenant, why))
    if step.action:
        question = f"{tenant.slug} is {tenant.phase}. {step.why} {_in_words(step.remaining).capitalize()}?"
        session.require_confirmation(question, yes=yes)
    return Recovery(session, tenant, reason=why, confirm=confirm or "", timeout=timeout).run()


def _report_plan(session: Session, step: RecoveryStep) -> ExitCode:
    from tenantctl import details

    if session.json:
        session.write_json(json.dumps(step.document))
    if step.has_ended:
        return report_end(session, step)
    would = _in_words(step.remaining) if step.action else "wait"
    session.print_line(
        f"Dry run, nothing was done. {step.tenant.slug} is {step.tenant.phase}. {step.why} It would {would}."
    )
    if step.action == "cancel" and step.preview and not session.json:
        session.environment.show(details.draw_preview(dict(step.preview)))
    return ExitCode.DONE


def _in_words(actions: tuple[str, ...]) -> str:
    return ", then ".join(actions)


COMMANDS: Final = (
    CommandSpec(watch, "watch acme", "Interrupted. The operation continues; `tenantctl watch` shows it."),
    CommandSpec(
        recover,
        'recover acme --reason "stalled at Deploy tenant workloads"',
        "Interrupted. A step that has begun continues; run `tenantctl recover` again for the others.",
    ),
)
