"""Draws one thing in full: a tenant, the three facts of its unwinding, what an action would do.

Everything foreign goes through `harmless`; nothing is read as markup.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tenantctl.tenant import Progress, Tenant
from tenantctl.text import duration, harmless, moment, one_line

Json = Mapping[str, Any]
_FEW: Final = 3


def tenant(data: Json) -> RenderableType:
    """All that is known of one tenant, what may be done now, and what to do next."""
    seen = Tenant.of(data)
    attempt = f"{seen.attempt}, run {data.get('run_id') or '-'}"
    facts: list[tuple[str, object]] = [
        ("Tenant", f"{seen.slug} ({data.get('name')})"),
        ("Id", seen.id),
        ("State", f"{seen.phase} for {duration(seen.seconds)}"),
        ("At", seen.activity_label or "-"),
        ("Attempt", attempt),
        ("Plan, region", f"{data.get('plan')}, {data.get('region')}"),
        ("Admin", data.get("admin_email")),
        ("Created", moment(data.get("created_at"))),
        ("Address", data.get("url") or "-"),
    ]
    facts += [("Waits", seen.held)] if seen.held else []
    facts += [("Why", seen.why)] if seen.why and seen.why != seen.held else []
    facts += [("Escalation", data["escalation"])] if data.get("escalation") else []
    facts += [("Predecessor", data["predecessor"])] if data.get("predecessor") else []
    facts += [(f"Failure {each.attempt}", f"{each.activity}: {one_line(each.message)}") for each in seen.failures]
    facts += three_facts(seen.progress) if _is_undone(seen) else [("Resources", _counted(seen.progress.left))]
    facts += [("May now", ", ".join(_allowed(data)) or "nothing"), ("Next", seen.next_action)]
    warnings = [*(data.get("warnings") or ()), *(data.get("platform_trouble") or ())]
    warnings += [each.get("said") for each in data.get("findings") or ()]
    return Group(pairs(facts), *(Text(harmless(f"! {warning}"), style="yellow") for warning in warnings))


def invitation(data: Json) -> RenderableType:
    """The admin's invitation, with all that its admin has to know."""
    named = (("For", "admin_email"), ("Sign in at", "sign_in"), ("Invitation", "invitation"))
    until = f"{moment(data.get('expires_at'))}, or until it is used"
    once = Text("It is not shown again.", style="yellow")
    return Group(pairs([*((name, data.get(key)) for name, key in named), ("Until", until)]), once)


def pairs(facts: Iterable[tuple[str, object]]) -> Table:
    """Names, and what they are."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(Text(harmless(name)), Text(harmless(value)))
    return table


def _is_undone(seen: Tenant) -> bool:
    """Only then are compensations told: a healthy tenant has none to count."""
    return seen.phase not in {"Provisioning", "Active", "Failed retained", "Failed ready", "Decommissioned"}


def _counted(left: Sequence[str]) -> str:
    return f"{len(left)}: {', '.join(left)}" if left else "none"


def in_short(progress: Progress) -> str:
    """The three facts in one line; what is left is named only when it is little."""
    few = progress if len(progress.left) <= _FEW else replace(progress, left=())
    facts = dict(three_facts(few)) | ({"Resources left": len(progress.left)} if few is not progress else {})
    return "; ".join(f"{name.lower()} {value}" for name, value in facts.items())


def _allowed(data: Json) -> list[str]:
    return [str(name) for name, may in (data.get("actions") or {}).items() if may.get("allowed")]


def three_facts(progress: Progress) -> list[tuple[str, object]]:
    """What an operator asks of a cancel: is the task dead, how much is undone, what is left?"""
    return [
        ("In-flight task", f"still alive: {progress.in_flight}" if progress.in_flight else "dead, or none was"),
        ("Compensations", f"{progress.undone} of {progress.to_undo}"),
        ("Resources left", _counted(progress.left)),
    ]


def preview(data: Json) -> RenderableType:
    """What an action would do: what it undoes in order, what stays."""
    lines = [Text(harmless(f"Dry run, nothing was done. {data.get('said') or ''}").rstrip(), style="bold")]
    if data.get("allowed") is False:
        lines.append(Text(harmless(f"It would be refused: {data.get('refusal')}"), style="red"))
    lines += _listed("Undone, in this order:", data.get("undone") or [], numbered=True)
    lines += _listed("Kept:", data.get("kept") or [], numbered=False)
    if data.get("confirm_slug"):
        lines.append(Text("The slug must be typed (--confirm SLUG)."))
    lines += [Text(harmless(f"! {warning}"), style="yellow") for warning in data.get("warnings") or ()]
    return Group(*lines)


def _listed(title: str, found: Sequence[Json], *, numbered: bool) -> list[Text]:
    names = [f"{each.get('kind')} {each.get('name')}" for each in found]
    marks = [f"{number}." if numbered else "-" for number in range(1, len(names) + 1)]
    rows = [Text(harmless(f"  {mark:<3} {name}")) for mark, name in zip(marks, names, strict=True)]
    return [Text(title), *rows] if rows else []
