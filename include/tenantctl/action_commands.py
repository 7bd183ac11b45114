"""The commands that change a tenant: create, cancel, reset, retry, decommission, recreate, invitation, escalate, note.

Each asks for missing values, offers a dry run, and ends with the next step (see `actions`).
"""

from typing import Final

from tenantctl import escalation_summary
from tenantctl.actions import (
    TenantAction,
    confirmable,
    describe_tenant,
    finish_unwinding,
    report_done,
    report_preview,
    report_result,
    require_id,
)
from tenantctl.commands import CommandSpec
from tenantctl.exit_codes import ExitCode, UsageError
from tenantctl.options import (
    Confirm,
    DryRun,
    Email,
    Force,
    MaybeSlug,
    Name,
    NoteText,
    Plan,
    Product,
    Reason,
    Ref,
    Region,
    Renew,
    RequestFile,
    Settings,
    Timeout,
    Waits,
    Yes,
)
from tenantctl.paths import tenant_path
from tenantctl.phases import Phase
from tenantctl.polling import DEFAULT_TIMEOUT_SECONDS
from tenantctl.request_values import requested
from tenantctl.session import Session
from tenantctl.tenant import Tenant

_GOES_ON: Final = "Interrupted. The operation continues; `tenantctl watch` shows it."


def create(
    session: Session,
    slug: MaybeSlug = None,
    *,
    name: Name = None,
    plan: Plan = None,
    region: Region = None,
    email: Email = None,
    product: Product = None,
    settings: Settings = None,
    file: RequestFile = None,
    reason: Reason = None,
    dry_run: DryRun = False,
) -> ExitCode:
    """Create a tenant.

    On a terminal it asks for missing values. Without --product it is a tenant of the default product. --set gives the
    product's own parameters; --from reads all fields from a file, and options win over it.
    """
    options = {"slug": slug, "name": name, "plan": plan, "region": region, "admin_email": email}
    given = requested(file, settings, **options, product=product, reason=reason)
    body = {
        **given,
        "slug": _asked(session, given.get("slug"), "TENANT", "Slug"),
        "name": _asked(session, given.get("name"), "--name", "The organisation's name"),
        "plan": _asked(session, given.get("plan"), "--plan", f"Plan{_offer(session, 'plans', given.get('plan'))}"),
        "region": _asked(
            session, given.get("region"), "--region", f"Region{_offer(session, 'regions', given.get('region'))}"
        ),
        "admin_email": _asked(session, given.get("admin_email"), "--admin-email", "The tenant admin's address"),
    }
    answer = session.api.post("/tenants", body, dry_run=dry_run)
    return (
        report_preview(session, answer)
        if dry_run
        else report_done(session, answer, f"Follow it: tenantctl watch {body['slug']}")
    )


def cancel(
    session: Session,
    ref: Ref,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    confirm: Confirm = None,
    wait: Waits = False,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
) -> ExitCode:
    """Cancel a provisioning: release what it made.

    The tenant becomes Failed. Cancel is the first step for a stalled tenant, because it releases the resources cleanly.
    After the point of no return it destroys a customer's data: type the slug, or give --confirm and the tenant's id.
    """
    action = TenantAction(session, ref, "cancel", reason, yes, {"confirm_slug": confirm}, by_id=True)
    if dry_run:
        return action.preview()
    if confirm:
        require_id(ref, action.tenant, confirm)
    answer = action.perform(lambda it: f"Cancel {describe_tenant(it)}, and undo what was made? (--dry-run lists it)")
    return finish_unwinding(session, ref, answer, wait=wait, timeout=timeout)


def reset(
    session: Session,
    ref: Ref,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    force: Force = False,
) -> ExitCode:
    """Reset a failed tenant, so that it can be retried.

    Cancel before it, retry after it.
    """
    action = TenantAction(session, ref, "reset", reason, yes, {"force": force}, by_id=force)
    if dry_run:
        return action.preview()
    return report_done(session, action.perform(_orphans if force else None))


def _orphans(tenant: Tenant) -> str:
    return f"Force the reset of {describe_tenant(tenant)}? It can orphan activities that still run."


def retry(
    session: Session,
    ref: Ref,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    confirm: Confirm = None,
    name: Name = None,
    plan: Plan = None,
    region: Region = None,
    email: Email = None,
    settings: Settings = None,
) -> ExitCode:
    """Retry a tenant that was reset: start a new attempt.

    The tenant keeps its id. Options correct the request. After three attempts that did not end Active, type the slug
    (or give --confirm).
    """
    corrections = requested(None, settings, name=name, plan=plan, region=region, admin_email=email)
    body = {"corrections": corrections, "confirm_slug": confirm or ""}
    action = TenantAction(session, ref, "retry", reason, yes, body)
    return action.preview() if dry_run else report_done(session, action.perform(), f"Follow it: tenantctl watch {ref}")


def decommission(
    session: Session,
    ref: Ref,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    confirm: Confirm = None,
    wait: Waits = False,
    timeout: Timeout = DEFAULT_TIMEOUT_SECONDS,
) -> ExitCode:
    """Decommission a tenant: delete all that it has, for good.

    Type its slug, or give --confirm and name the tenant by its id. --yes does not replace that.
    """
    why_asked = (reason or "") if dry_run else session.require_reason(reason, f"decommission {ref}")
    action = TenantAction(session, ref, "decommission", why_asked, yes, {"confirm_slug": confirm}, by_id=True)
    if dry_run:
        return action.preview()
    require_id(ref, action.tenant, confirm)
    deletes = (
        "frees its slug; it has nothing left" if _has_nothing(action.tenant) else "deletes all that it has, for good"
    )
    why = f"Decommissioning {describe_tenant(action.tenant)} {deletes}."
    command = confirmable("decommission", action.tenant, why_asked)
    action.body["confirm_slug"] = session.require_typed_slug(confirm, action.tenant, why, command)
    return finish_unwinding(session, ref, action.perform(), wait=wait, timeout=timeout)


def _has_nothing(tenant: Tenant) -> bool:
    return tenant.phase == Phase.FAILED_SETTLED


def recreate(
    session: Session,
    ref: Ref,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    name: Name = None,
    plan: Plan = None,
    region: Region = None,
    email: Email = None,
    product: Product = None,
    settings: Settings = None,
) -> ExitCode:
    """Recreate a tenant: a new one takes its slug.

    Only for a tenant that has nothing left. Options correct the request; without --product it keeps its product.
    """
    corrections = requested(None, settings, name=name, plan=plan, region=region, admin_email=email)
    body = {"corrections": corrections, **({"product": product} if product else {})}
    action = TenantAction(session, ref, "recreate", reason, yes, body, by_id=True)
    if dry_run:
        return action.preview()
    answer = action.perform()
    made = Tenant.of(answer.data.get("tenant") or {})
    return report_done(session, answer, f"Follow it: tenantctl watch {made.slug}")


def escalate(
    session: Session, ref: Ref, *, reason: Reason = None, dry_run: DryRun = False, yes: Yes = False
) -> ExitCode:
    """Escalate to platform engineering.

    Prints what they need to know, ready to be pasted.
    """
    action = TenantAction(session, ref, "escalate", reason, yes)
    code = action.preview() if dry_run else report_done(session, action.perform())
    if not session.json:
        session.print_line(f"\n{escalation_summary.escalation_summary(session.api, ref)}")
    return code


def invitation(session: Session, ref: Ref, *, renew: Renew = False, reason: Reason = None) -> ExitCode:
    """Show the admin's invitation, once.

    For an Active tenant. If it is lost, --renew makes a new one, unless the admin has signed in already.
    """
    from tenantctl import details

    why = session.require_reason(reason, f"make {ref} a new invitation") if renew else reason or ""
    answer = session.api.post(tenant_path(ref, "invitation"), {"renew": renew, "reason": why})
    session.show_response(answer, details.draw_invitation)
    return ExitCode.DONE


def note(session: Session, ref: Ref, text: NoteText) -> ExitCode:
    """Note something about a tenant.

    For the next person who looks at it: at most 2,000 characters, in every state, never changed or removed.
    """
    noted = _from_stdin(session) if text == "-" else text
    if not noted.strip():
        raise UsageError("The note is empty. Nothing was sent.")
    answer = session.api.post(tenant_path(ref, "notes"), {"text": noted})
    if session.json:
        session.write_json(answer.text)
    else:
        report_result(session, answer)
    return ExitCode.DONE


def _from_stdin(session: Session) -> str:
    try:
        return session.environment.stdin.read().rstrip("\r\n") if session.environment.stdin else ""
    except UnicodeDecodeError as error:
        raise UsageError("stdin: must be valid UTF-8 text. Nothing was sent.") from error


def _asked(session: Session, given: str | None, option: str, what: str) -> str:
    value = given or (session.environment.prompt(f"{what}: ", False).strip() if session.environment.prompt else "")
    if not value:
        raise UsageError(f"{option} is missing; see `tenantctl create --help`.")
    return value


def _offer(session: Session, which: str, given: str | None) -> str:
    """The choices, as part of the question; empty if there is no question."""
    if given or session.environment.prompt is None:
        return ""
    found = session.api.get("/platform").data.get(which) or []
    names = [str(each.get("name", "") if isinstance(each, dict) else each) for each in found]
    return f" ({', '.join(names)})"


COMMANDS: Final = (
    CommandSpec(
        create, 'create acme --name "Acme Inc" --plan starter --region eu-central --admin-email admin@acme.example'
    ),
    CommandSpec(cancel, 'cancel acme --wait --reason "stalled at Deploy for 9 minutes"', _GOES_ON),
    CommandSpec(reset, 'reset acme --reason "clean slate after the cancel"'),
    CommandSpec(retry, 'retry acme --reason "storage is back"'),
    CommandSpec(decommission, 'decommission acme --wait --reason "third failure"', _GOES_ON),
    CommandSpec(recreate, 'recreate acme --region us-east --reason "eu-central is out of quota"'),
    CommandSpec(invitation, "invitation acme"),
    CommandSpec(escalate, 'escalate acme --reason "cluster does not schedule pods"'),
    CommandSpec(note, 'note acme "the customer tests until 08:00, do not cancel"'),
)
