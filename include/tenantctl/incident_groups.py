"""Incident groups (classes in the API): what `recover --class` asks before it begins, and its report."""

import json
from typing import Any, Final

from tenantctl.exit_codes import ExitCode, Refused
from tenantctl.group_plan import OVER, PlannedRecovery, canary_first, plan_recovery
from tenantctl.group_recovery import GroupRecovery
from tenantctl.recovery import preview_recovery
from tenantctl.session import Session
from tenantctl.tenant import Tenant
from tenantctl.text import as_sentence

_MORE: Final = "There are more tenants than are shown: run it again afterwards."


def recover_class(
    session: Session, class_id: int, *, reason: str | None, dry_run: bool, at_once: int, yes: bool, timeout: float
) -> ExitCode:
    """Recover every tenant of the group: first one, then a few at a time."""
    found = session.api.get(f"/classes/{class_id}").data
    planned_recoveries = [_plan_member(session, each) for each in found.get("tenants") or []]
    todo = canary_first(planned_recoveries)
    if found.get("cut"):
        session.warn(_MORE)
    if dry_run or not todo:
        return _planned(session, found, planned_recoveries)
    why = session.require_reason(reason, f"recover {len(todo)} tenants")
    session.print_line(as_sentence(str(found.get("sentence") or "")))
    session.require_confirmation(
        f"Recover {len(todo)} tenants, first {todo[0].tenant.slug}, then {at_once} at a time?", yes=yes
    )
    group_recovery = GroupRecovery(session, planned_recoveries, why, at_once, timeout)
    try:
        return group_recovery.run()
    finally:
        _report(session, class_id, group_recovery)


def _plan_member(session: Session, member: dict[str, Any]) -> PlannedRecovery:
    """The plan for one member. One that is over is not asked about."""
    tenant = Tenant.of(member)
    if tenant.phase in OVER:
        return plan_recovery(tenant, None)
    try:
        step = preview_recovery(session, tenant.id)
    except Refused as refusal:
        return PlannedRecovery(tenant, begins=False, why=refusal.sentence)
    return plan_recovery(step.tenant, step)


def _planned(session: Session, found: dict[str, Any], planned_recoveries: list[PlannedRecovery]) -> ExitCode:
    from tenantctl import lists

    first = next((planned.tenant.slug for planned in canary_first(planned_recoveries)), "")
    plan = [
        {"id": each.tenant.id, "slug": each.tenant.slug, "would": list(each.steps), "why": each.why}
        for each in (
            *canary_first(planned_recoveries),
            *(planned for planned in planned_recoveries if not planned.begins),
        )
    ]
    if session.json:
        session.write_json(json.dumps({"class": found.get("id"), "first": first, "tenants": plan}))
        return ExitCode.DONE
    if first:
        session.print_line(
            f"Dry run, nothing was done. {first} would be recovered first, and the others only once it is Active."
        )
    else:
        session.print_line("There is nothing to recover.", "green")
    session.environment.show(lists.draw_plan(plan))
    return ExitCode.DONE


def _report(session: Session, class_id: int, group_recovery: GroupRecovery) -> None:
    from tenantctl import lists

    if session.json:
        session.write_json(json.dumps({"class": class_id, "tenants": group_recovery.report}))
    else:
        session.environment.show(lists.draw_report(group_recovery.report))
