"""The verbs that change something: create, cancel, reset, retry, decommission, recreate, invitation, escalate.

Each asks for what is missing, has a dry run, and ends by saying what comes next (`deeds`).
"""

from typing import Final

from tenantctl import capture, cards
from tenantctl.client import tenant_path
from tenantctl.deeds import Deed, done, named, previewed, require_id, unwound
from tenantctl.exits import Exit, Misuse
from tenantctl.options import Confirm, DryRun, Email, Force, Name, Plan, Reason, Ref, Region, Renew, Timeout, Waits, Yes
from tenantctl.session import Session
from tenantctl.tenant import Tenant
from tenantctl.verbs import Entry
from tenantctl.waiting import PATIENCE_SECONDS

_GOES_ON: Final = "Left; the saga goes on without us. `tenantctl watch` shows it again."


def create(
    session: Session,
    slug: Ref,
    *,
    name: Name = None,
    plan: Plan = None,
    region: Region = None,
    email: Email = None,
    reason: Reason = None,
    dry_run: DryRun = False,
) -> Exit:
    """Create a tenant.

    On a terminal, what is missing is asked for.
    """
    body = {
        "slug": slug,
        "name": _asked(session, name, "--name", "The organisation's name"),
        "plan": _asked(session, plan, "--plan", f"Plan{_offer(session, 'plans', plan)}"),
        "region": _asked(session, region, "--region", f"Region{_offer(session, 'regions', region)}"),
        "admin_email": _asked(session, email, "--admin-email", "The tenant admin's address"),
        "reason": reason,
    }
    answer = session.api.post("/tenants", body, dry_run=dry_run)
    return previewed(session, answer) if dry_run else done(session, answer, f"Follow it: tenantctl watch {slug}")


def cancel(
    session: Session,
    ref: Ref,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    confirm: Confirm = None,
    wait: Waits = False,
    timeout: Timeout = PATIENCE_SECONDS,
) -> Exit:
    """Cancel: undo what was made.

    The tenant flips to Failed. It is the first step with a stuck tenant: it releases the resources cleanly. Behind
    the point of no return it destroys a customer's data, and the slug must be typed (--confirm, with the tenant's id).
    """
    deed = Deed(session, ref, "cancel", reason, yes, {"confirm_slug": confirm}, by_id=True)
    if dry_run:
        return deed.preview()
    require_id(ref, deed.tenant, confirm)
    answer = deed.do(f"Cancel {named(deed.tenant)}, and undo what was made? (--dry-run lists it)")
    return unwound(session, ref, answer, wait=wait, timeout=timeout)


def reset(
    session: Session,
    ref: Ref,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    force: Force = False,
) -> Exit:
    """Reset a failed tenant: a clean slate.

    Cancel comes before it, retry after it.
    """
    deed = Deed(session, ref, "reset", reason, yes, {"force": force}, by_id=force)
    if dry_run:
        return deed.preview()
    orphans = f"Force the reset of {named(deed.tenant)}? It can orphan activities that still run." if force else ""
    return done(session, deed.do(orphans))


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
) -> Exit:
    """Retry a reset tenant: a new attempt.

    It keeps its id; what was wrong in the request can be corrected. After three attempts that did not end Active the
    slug must be typed (--confirm).
    """
    corrections = _corrections(name=name, plan=plan, region=region, admin_email=email)
    body = {"corrections": corrections, "confirm_slug": confirm or ""}
    deed = Deed(session, ref, "retry", reason, yes, body)
    return deed.preview() if dry_run else done(session, deed.do(), f"Follow it: tenantctl watch {ref}")


def decommission(
    session: Session,
    ref: Ref,
    *,
    reason: Reason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    confirm: Confirm = None,
    wait: Waits = False,
    timeout: Timeout = PATIENCE_SECONDS,
) -> Exit:
    """Decommission: delete all it has, for good.

    Its slug must be typed, or given as --confirm with the tenant's id in front; --yes does not stand for it.
    """
    deed = Deed(session, ref, "decommission", reason, yes, {"confirm_slug": confirm}, by_id=True)
    if dry_run:
        return deed.preview()
    require_id(ref, deed.tenant, confirm)
    why = f"Decommissioning {named(deed.tenant)} deletes all that it has, for good."
    deed.body["confirm_slug"] = session.typed_slug(confirm, deed.tenant.slug, why)
    return unwound(session, ref, deed.do(), wait=wait, timeout=timeout)


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
) -> Exit:
    """Recreate: a new tenant in its place.

    For a tenant that has nothing left. What was wrong in the request can be corrected.
    """
    corrections = _corrections(name=name, plan=plan, region=region, admin_email=email)
    deed = Deed(session, ref, "recreate", reason, yes, {"corrections": corrections}, by_id=True)
    if dry_run:
        return deed.preview()
    answer = deed.do()
    made = Tenant.of(answer.data.get("tenant") or {})
    return done(session, answer, f"Follow it: tenantctl watch {made.slug}")


def escalate(session: Session, ref: Ref, *, reason: Reason = None, dry_run: DryRun = False, yes: Yes = False) -> Exit:
    """Escalate to platform engineering.

    Prints what they need to know, ready to paste.
    """
    deed = Deed(session, ref, "escalate", reason, yes)
    code = deed.preview() if dry_run else done(session, deed.do())
    if not session.json:
        session.say(f"\n{capture.captured(session.api, ref)}")
    return code


def invitation(session: Session, ref: Ref, *, renew: Renew = False, reason: Reason = None) -> Exit:
    """Show the admin's invitation, once.

    For an Active tenant. Whoever lost it makes a new one (--renew), unless the admin has signed in already.
    """
    why = session.reason(reason, f"make {ref} a new invitation") if renew else reason or ""
    answer = session.api.post(tenant_path(ref, "invitation"), {"renew": renew, "reason": why})
    session.give(answer, cards.invitation)
    return Exit.DONE


def _corrections(**given: str | None) -> dict[str, str]:
    return {name: value for name, value in given.items() if value}


def _asked(session: Session, given: str | None, option: str, what: str) -> str:
    value = given or (session.world.ask(f"{what}: ", False).strip() if session.world.ask else "")
    if not value:
        raise Misuse(f"{option} is missing; see `tenantctl create --help`.")
    return value


def _offer(session: Session, which: str, given: str | None) -> str:
    """The choices, where somebody is about to be asked."""
    if given or session.world.ask is None:
        return ""
    found = session.api.get("/platform").data.get(which) or []
    names = [str(each.get("name", "") if isinstance(each, dict) else each) for each in found]
    return f" ({', '.join(names)})"


VERBS: Final = (
    Entry(create, 'create acme --name "Acme Inc" --plan starter --region eu-central --admin-email admin@acme.example'),
    Entry(cancel, 'cancel acme --wait --reason "stuck at Deploy for 9 minutes"', _GOES_ON),
    Entry(reset, 'reset acme --reason "clean slate after the cancel"'),
    Entry(retry, 'retry acme --reason "storage is back"'),
    Entry(decommission, 'decommission acme --wait --reason "third failure"', _GOES_ON),
    Entry(recreate, 'recreate acme --region us-east --reason "eu-central is out of quota"'),
    Entry(invitation, "invitation acme"),
    Entry(escalate, 'escalate acme --reason "cluster does not schedule pods"'),
)
