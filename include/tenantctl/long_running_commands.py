"""The commands that run for minutes: watch and recover."""

from typing import Final

from tenantctl.actions import require_id
from tenantctl.commands import CommandSpec
from tenantctl.exit_codes import ExitCode, UsageError
from tenantctl.group_plan import AT_ONCE
from tenantctl.incident_groups import recover_class
from tenantctl.options import AtOnce, ClassId, Confirm, DryRun, MaybeRef, Reason, Ref, Timeout, Yes
from tenantctl.paths import tenant_path
from tenantctl.phases import Phase
from tenantctl.polling import DEFAULT_TIMEOUT_SECONDS
from tenantctl.recovery import DESTROYS_WHY, SLUG_WHY, Recovery
from tenantctl.recovery_policy import RecoveryHistory, Stop, next_step, remaining_steps
from tenantctl.session import Session
from tenantctl.tenant import Tenant
from tenantctl.text import format_duration


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
    """Recover a tenant: cancel, reset, retry.

    It waits for each step and skips steps that are not needed. It stops when the retry fails with the same error as
    the attempt before: then the cause is not transient. With --class it recovers all tenants of an incident group: one
    first, then a few at a time, until one fails.
    """
    if (ref is None) == (class_id is None):
        raise UsageError("Name a tenant, or a class by --class ID (`tenantctl classes` lists them).")
    if class_id is not None:
        return recover_class(
            session, class_id, reason=reason, dry_run=dry_run, at_once=at_once, yes=yes, timeout=timeout
        )
    assert ref is not None  # one of them is given
    answer = session.fetch_tenant(ref)
    tenant = Tenant.of(answer.data)
    rest = remaining_steps(tenant)
    if not rest or dry_run:
        if session.json:
            session.write_json(answer.text)
        return _report_plan(session, tenant, rest)
    why = session.require_reason(reason, f"recover {tenant.slug}")
    destroys = "cancel" in rest and tenant.cancel_wants_slug
    if destroys:
        require_id(ref, tenant, confirm)
    if destroys or tenant.retry_wants_slug:
        confirm = session.require_typed_slug(confirm, tenant.slug, DESTROYS_WHY if destroys else SLUG_WHY)
    _confirm_steps(session, tenant, rest, yes=yes)
    return Recovery(session, tenant, reason=why, confirm=confirm or "", timeout=timeout).run()


def _confirm_steps(session: Session, tenant: Tenant, rest: tuple[str, ...], *, yes: bool) -> None:
    """Ask a person, unless the attempt is only waited for."""
    if rest == ("wait",):
        return
    session.require_confirmation(f"{_describe_state(tenant)} {', then '.join(rest).capitalize()}?", yes=yes)


def _report_plan(session: Session, tenant: Tenant, rest: tuple[str, ...]) -> ExitCode:
    from tenantctl import details

    if rest:
        session.print_line(f"Dry run, nothing was done. {_describe_state(tenant)} It would {', then '.join(rest)}.")
        if "cancel" in rest and not session.json:
            dry = session.api.post(tenant_path(tenant.id, "cancel"), {"reason": "dry run"}, dry_run=True)
            session.environment.show(details.draw_preview(dry.data))
        return ExitCode.DONE
    stop = next_step(tenant, RecoveryHistory.start(tenant))
    assert isinstance(stop, Stop)
    if stop.code is ExitCode.DONE:
        session.print_line(stop.message, "green")
    else:
        session.warn(f"tenantctl: {stop.message}")
    return stop.code


def _describe_state(tenant: Tenant) -> str:
    if tenant.phase != Phase.PROVISIONING:
        return f"{tenant.slug} is {tenant.phase}."
    calm = "" if tenant.stalled else " It is not stalled, so it is waited for."
    return f"{tenant.slug} is Provisioning, at {tenant.activity_label} for {format_duration(tenant.seconds)}.{calm}"


COMMANDS: Final = (
    CommandSpec(watch, "watch acme", "Interrupted. The operation continues; `tenantctl watch` shows it."),
    CommandSpec(
        recover,
        'recover acme --reason "stuck at Deploy tenant workloads"',
        "Interrupted. A step that has begun continues; run `tenantctl recover` again for the others.",
    ),
)
