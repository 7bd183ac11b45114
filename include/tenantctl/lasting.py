"""The verbs that last: watch, and recover."""

from typing import Final

from tenantctl import cards, watching
from tenantctl.batching import AT_ONCE
from tenantctl.classes import recover_class
from tenantctl.client import tenant_path
from tenantctl.deeds import require_id
from tenantctl.exits import Exit, Misuse
from tenantctl.options import AtOnce, ClassId, Confirm, DryRun, MaybeRef, Reason, Ref, Timeout, Yes
from tenantctl.recovering import Course, Stop, next_step, steps
from tenantctl.recovery import DESTROYS_WHY, SLUG_WHY, Recovery
from tenantctl.session import Session
from tenantctl.tenant import Tenant
from tenantctl.text import duration
from tenantctl.verbs import Entry
from tenantctl.waiting import PATIENCE_SECONDS

_USUAL_SECONDS: Final = 300.0
"""Runbook: "Most tenants reach Active within 30 seconds to 5 minutes"."""


def watch(session: Session, ref: Ref, *, timeout: Timeout = PATIENCE_SECONDS) -> Exit:
    """Watch the timeline, live.

    Until the tenant rests; exit code 1 when it rests Failed."""
    return watching.follow(session, ref, timeout)


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
    timeout: Timeout = PATIENCE_SECONDS,
) -> Exit:
    """Recover: cancel, reset, retry.

    It waits for each, and skips what is already so. It stops when the retry fails as the attempt before it did:
    then the cause is not transient. With --class all tenants of a class of stall: one first, then a few at a time,
    until the first one fails.
    """
    if (ref is None) == (class_id is None):
        raise Misuse("Name a tenant, or a class by --class ID (`tenantctl classes` lists them).")
    if class_id is not None:
        return recover_class(
            session, class_id, reason=reason, dry_run=dry_run, at_once=at_once, yes=yes, timeout=timeout
        )
    assert ref is not None  # one of them is given
    answer = session.tenant(ref)
    tenant = Tenant.of(answer.data)
    rest = steps(tenant)
    if not rest or dry_run:
        if session.json:
            session.give_raw(answer.text)
        return _told(session, tenant, rest)
    why = session.reason(reason, f"recover {tenant.slug}")
    destroys = "cancel" in rest and tenant.cancel_wants_slug
    if destroys:
        require_id(ref, tenant, confirm)
    if destroys or tenant.retry_wants_slug:
        confirm = session.typed_slug(confirm, tenant.slug, DESTROYS_WHY if destroys else SLUG_WHY)
    _require_meant(session, tenant, rest, yes=yes)
    return Recovery(session, tenant, reason=why, confirm=confirm or "", timeout=timeout).run()


def _require_meant(session: Session, tenant: Tenant, rest: tuple[str, ...], *, yes: bool) -> None:
    """A person is asked; a script has to say --yes before it cancels an attempt with which nothing is wrong."""
    if "cancel" in rest and _is_well(tenant) and session.world.ask is None and not yes:
        raise Misuse(
            f"{_standing(tenant)} Most tenants are active within 5 minutes: `tenantctl watch {tenant.slug}`. "
            "To cancel it all the same, add --yes."
        )
    session.agreed(f"{_standing(tenant)} {', then '.join(rest).capitalize()}?", yes=yes)


def _is_well(tenant: Tenant) -> bool:
    in_time = tenant.phase == "Provisioning" and tenant.seconds < _USUAL_SECONDS
    return in_time and not (tenant.needs_attention or tenant.stalled)


def _told(session: Session, tenant: Tenant, rest: tuple[str, ...]) -> Exit:
    if rest:
        session.say(f"Dry run, nothing was done. {_standing(tenant)} It would {', then '.join(rest)}.")
        if "cancel" in rest and not session.json:
            dry = session.api.post(tenant_path(tenant.id, "cancel"), {"reason": "dry run"}, dry_run=True)
            session.world.show(cards.preview(dry.data))
        return Exit.DONE
    stop = next_step(tenant, Course.begin(tenant))
    assert isinstance(stop, Stop)
    if stop.code is Exit.DONE:
        session.say(stop.said, "green")
    else:
        session.warn(f"tenantctl: {stop.said}")
    return stop.code


def _standing(tenant: Tenant) -> str:
    if tenant.phase != "Provisioning":
        return f"{tenant.slug} is {tenant.phase}."
    calm = "" if tenant.needs_attention else " Nothing looks wrong with it yet."
    return f"{tenant.slug} is Provisioning, at {tenant.activity_label} for {duration(tenant.seconds)}.{calm}"


VERBS: Final = (
    Entry(watch, "watch acme", "Left; the saga goes on without us. `tenantctl watch` shows it again."),
    Entry(
        recover,
        'recover acme --reason "stuck at Deploy tenant workloads"',
        "Left; a step that was begun goes on without us. `tenantctl recover` takes up from there.",
    ),
)
