"""Classes of stall: what `recover --class` asks before it begins, and what it tells at its end."""

import json
from typing import Any, Final

from tenantctl import tables
from tenantctl.batch import Batch
from tenantctl.batching import Case, case_of, in_order
from tenantctl.exits import Exit
from tenantctl.session import Session
from tenantctl.tenant import Tenant
from tenantctl.text import sentence

_MORE: Final = "There are more tenants than are shown: run it again afterwards."


def recover_class(
    session: Session, class_id: int, *, reason: str | None, dry_run: bool, at_once: int, yes: bool, timeout: float
) -> Exit:
    """Every tenant of the class: first one, then a few at a time."""
    found = session.api.get(f"/classes/{class_id}").data
    cases = [_case(session, each) for each in found.get("tenants") or []]
    todo = in_order(cases)
    if found.get("cut"):
        session.warn(_MORE)
    if dry_run or not todo:
        return _planned(session, found, cases)
    why = session.reason(reason, f"recover {len(todo)} tenants")
    session.say(sentence(str(found.get("sentence") or "")))
    session.agreed(f"Recover {len(todo)} tenants, first {todo[0].tenant.slug}, then {at_once} at a time?", yes=yes)
    batch = Batch(session, class_id, cases, why, at_once, timeout)
    try:
        return batch.run()
    finally:
        _report(session, class_id, batch)


def _case(session: Session, member: dict[str, Any]) -> Case:
    """Who is well needs no second look."""
    if member.get("state") in {"Active", "Decommissioned"}:
        return case_of(Tenant.of(member))
    return case_of(Tenant.of(session.tenant(str(member.get("id"))).data))


def _planned(session: Session, found: dict[str, Any], cases: list[Case]) -> Exit:
    first = next((case.tenant.slug for case in in_order(cases)), "")
    plan = [
        {"id": each.tenant.id, "slug": each.tenant.slug, "would": list(each.steps), "why": each.why}
        for each in (*in_order(cases), *(case for case in cases if case.course is None))
    ]
    if session.json:
        session.give_raw(json.dumps({"class": found.get("id"), "first": first, "tenants": plan}))
        return Exit.DONE
    if first:
        session.say(
            f"Dry run, nothing was done. {first} would be recovered first, and the others only once it is Active."
        )
    else:
        session.say("There is nothing to recover.", "green")
    session.world.show(tables.plan(plan))
    return Exit.DONE


def _report(session: Session, class_id: int, batch: Batch) -> None:
    if session.json:
        session.give_raw(json.dumps({"class": class_id, "tenants": batch.told}))
    else:
        session.world.show(tables.report(batch.told))
