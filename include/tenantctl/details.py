"""Draws one object in full: a tenant, an invitation, the preview of an action."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tenantctl.drawing import Drawing, Line, pairs
from tenantctl.phases import Phase
from tenantctl.tenant import Tenant
from tenantctl.text import format_duration, format_time, one_line
from tenantctl.unwinding_progress import counted, progress_facts

Json = Mapping[str, Any]


def draw_tenant(data: Json) -> Drawing:
    """Everything about one tenant, with the allowed actions and the next step."""
    tenant = Tenant.of(data)
    attempt = f"{tenant.attempt}, run {data.get('run_id') or '-'}"
    facts: list[tuple[str, object]] = [
        ("Tenant", f"{tenant.slug} ({data.get('name')})"),
        ("Id", tenant.id),
        ("State", f"{tenant.phase} for {format_duration(tenant.seconds)}"),
        ("At", tenant.activity_label or "-"),
        ("Attempt", attempt),
        ("Plan, region", f"{data.get('plan')}, {data.get('region')}"),
        ("Product", data.get("product") or "-"),
        ("Admin", data.get("admin_email")),
        ("Created", format_time(data.get("created_at"))),
        ("Address", data.get("url") or "-"),
        *(("Parameter", f"{key}: {_as_text(value)}") for key, value in (data.get("parameters") or {}).items()),
        *_outputs(data),
    ]
    facts += [("Waits", tenant.held)] if tenant.held else []
    facts += [("Why", tenant.why)] if tenant.why and tenant.why != tenant.held else []
    facts += [("Escalation", data["escalation"])] if data.get("escalation") else []
    facts += [("Predecessor", data["predecessor"])] if data.get("predecessor") else []
    facts += [(f"Failure {each.attempt}", f"{each.activity}: {one_line(each.message)}") for each in tenant.failures]
    facts += [("Note", _noted(note)) for note in data.get("notes") or ()]
    facts += progress_facts(tenant.progress) if _is_undone(tenant) else [("Resources", counted(tenant.progress.left))]
    facts += [("May now", ", ".join(_allowed(data)) or "nothing"), ("Next", tenant.next_action)]
    warnings = [*(data.get("warnings") or ()), *(data.get("platform_trouble") or ())]
    warnings += [each.get("said") for each in data.get("findings") or ()]
    return [pairs(facts), *(Line(f"! {warning}", "yellow") for warning in warnings)]


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _outputs(data: Json) -> list[tuple[str, object]]:
    found = data.get("outputs") or {}
    return [("Output", f"{of}.{name}: {value}") for of, values in found.items() for name, value in values.items()]


def _noted(note: Json) -> str:
    return f"{format_time(note.get('at'))} {note.get('actor')}: {one_line(str(note.get('text')))}"


def draw_invitation(data: Json) -> Drawing:
    """The invitation, with all that the tenant's admin has to know."""
    named = (("For", "admin_email"), ("Sign in at", "sign_in"), ("Invitation", "invitation"))
    until = f"{format_time(data.get('expires_at'))}, or until it is used"
    once = Line("It is not shown again.", "yellow")
    return [pairs([*((name, data.get(key)) for name, key in named), ("Until", until)]), once]


def _is_undone(tenant: Tenant) -> bool:
    """Whether to show the progress of compensations: a healthy tenant has none."""
    return tenant.phase not in {
        Phase.PROVISIONING,
        Phase.ACTIVE,
        Phase.FAILED_RETAINED,
        Phase.FAILED_READY,
        Phase.DECOMMISSIONED,
    }


def _allowed(data: Json) -> list[str]:
    return [str(name) for name, may in (data.get("actions") or {}).items() if may.get("allowed")]


def draw_preview(data: Json) -> Drawing:
    """What an action would do: what it releases, in order, and what it keeps."""
    lines = [Line(f"Dry run, nothing was done. {data.get('said') or ''}".rstrip(), "bold")]
    if data.get("allowed") is False:
        lines.append(Line(f"It would be refused: {data.get('refusal')}", "red"))
    lines += _listed("Undone, in this order:", data.get("undone") or [], numbered=True)
    lines += _listed("Kept:", data.get("kept") or [], numbered=False)
    if data.get("confirm_slug"):
        lines.append(Line("The slug must be typed (--confirm SLUG)."))
    return [*lines, *(Line(f"! {warning}", "yellow") for warning in data.get("warnings") or ())]


def _listed(title: str, found: Sequence[Json], *, numbered: bool) -> list[Line]:
    names = [f"{each.get('kind')} {each.get('name')}" for each in found]
    marks = [f"{number}." if numbered else "-" for number in range(1, len(names) + 1)]
    rows = [Line(f"  {mark:<3} {name}") for mark, name in zip(marks, names, strict=True)]
    return [Line(title), *rows] if rows else []
