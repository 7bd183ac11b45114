"""Draws what the API tells: lists, one tenant, errors, audit facts, resources, health. Everything foreign goes through
`harmless`; nothing is read as markup.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tenantctl.tenant import Progress, Tenant, phase
from tenantctl.text import duration, harmless

Json = Mapping[str, Any]
_STYLES: Final = {"Active": "green", "Failed": "red", "Provisioning": "blue", "Decommissioned": "dim"}


def grid(rows: Iterable[Sequence[object]], headings: Sequence[str] = (), styles: Sequence[str] = ()) -> Table:
    """Columns without lines: the same for a terminal and for `awk`."""
    table = Table.grid(padding=(0, 2))
    for _ in headings:
        table.add_column(overflow="fold")
    if headings:
        table.add_row(*(Text(heading, style="bold") for heading in headings))
    style = iter(styles)
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row), style=next(style, ""))
    return table


def tenants(data: Json) -> RenderableType:
    """One row a tenant, those that need somebody marked; below, how many there are of each state."""
    rows = data.get("tenants") or []
    if not rows:
        return Text("No tenant fits." if any((data.get("counts") or {}).values()) else "There are no tenants yet.")
    cells = [
        (
            "!" if row.get("needs_attention") else " ",
            row.get("slug"),
            phase(row),
            duration(row.get("seconds_in_state")),
            row.get("activity_label") or row.get("activity") or "-",
            row.get("attempt"),
            row.get("plan"),
            row.get("region"),
            row.get("name"),
        )
        for row in rows
    ]
    styles = [_STYLES.get(str(row.get("state")), "yellow") for row in rows]
    headings = ["", "SLUG", "STATE", "FOR", "AT", "ATTEMPT", "PLAN", "REGION", "NAME"]
    return Group(grid(cells, headings, styles), _counts(data))


def _counts(data: Json) -> Text:
    counts = ", ".join(f"{number} {state}" for state, number in (data.get("counts") or {}).items() if number)
    return Text(harmless(f"\n{counts}", keep_lines=True) if counts else "", style="dim")


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
        ("Created", data.get("created_at")),
        ("Address", data.get("url") or "-"),
    ]
    facts += [("Waits", seen.held)] if seen.held else []
    facts += [("Predecessor", data["predecessor"])] if data.get("predecessor") else []
    facts += [(f"Failure {each.attempt}", f"{each.activity}: {each.message}") for each in seen.failures]
    if seen.progress.to_undo or seen.progress.in_flight:
        facts += three_facts(seen.progress)
    facts += [("May now", ", ".join(_allowed(data)) or "nothing"), ("Next", seen.next_action)]
    warned = [Text(harmless(f"! {warning}"), style="yellow") for warning in data.get("warnings") or ()]
    return Group(_pairs(facts), *warned)


def _pairs(facts: Iterable[tuple[str, object]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(Text(harmless(name)), Text(harmless(value)))
    return table


def _allowed(data: Json) -> list[str]:
    return [str(name) for name, may in (data.get("actions") or {}).items() if may.get("allowed")]


def three_facts(progress: Progress) -> list[tuple[str, object]]:
    """What an operator asks of a cancel: is the task dead, how much is undone, what is left?"""
    return [
        ("In-flight task", f"still alive: {progress.in_flight}" if progress.in_flight else "dead, or none was"),
        ("Compensations", f"{progress.undone} of {progress.to_undo}"),
        ("Resources left", f"{len(progress.left)}: {', '.join(progress.left)}" if progress.left else "none"),
    ]


def errors(data: Json) -> RenderableType:
    """Oldest first; the messages in full, their lines indented."""
    found = data.get("errors") or []
    if not found:
        return Text("No error was recorded.")
    lines: list[Text] = []
    for each in found:
        where = (
            f"{each.get('at')}  attempt {each.get('attempt')}  {each.get('activity') or '-'}  {each.get('error') or ''}"
        )
        lines.append(Text(harmless(where).rstrip(), style="bold"))
        lines += [Text(f"    {line}") for line in harmless(each.get("message"), keep_lines=True).splitlines()]
    return Group(*lines)


def audit(data: Json) -> RenderableType:
    """One fact a line, and whether the chain of hashes is whole."""
    cells = [
        (
            fact.get("seq"),
            fact.get("at"),
            fact.get("attempt"),
            fact.get("kind"),
            fact.get("actor"),
            fact.get("reason") or "",
        )
        for fact in data.get("facts") or []
    ]
    chain = str(data.get("chain") or "unknown")
    verdict = Text(harmless(f"Chain of hashes: {chain}."), style="green" if chain == "whole" else "bold red")
    return Group(grid(cells, ["SEQ", "AT", "ATTEMPT", "FACT", "WHO", "WHY"]), verdict)


def resources(data: Json) -> RenderableType:
    """What the tenant has, or had, outside."""
    found = data.get("resources") or []
    cells = [(each.get("kind"), each.get("name"), each.get("state"), each.get("activity")) for each in found]
    return grid(cells, ["KIND", "NAME", "STATE", "MADE BY"]) if cells else Text("It has no resources.")


def health(data: Json) -> RenderableType:
    """The ledger, and each reconciler with its last beat."""
    ledger = [(f"ledger {name}", value) for name, value in (data.get("ledger") or {}).items()]
    beats = [
        (
            each.get("name"),
            "LATE" if each.get("late") else "on time",
            each.get("last_beat") or "never",
            each.get("summary"),
        )
        for each in data.get("reconcilers") or []
    ]
    return Group(_pairs(ledger), grid(beats, ["RECONCILER", "", "LAST BEAT", "FOUND"]))


def is_well(data: Json) -> bool:
    """Is no reconciler late? A ledger that does not answer is a 503 before we come here."""
    return not any(each.get("late") for each in data.get("reconcilers") or [])


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
