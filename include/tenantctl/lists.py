"""Draws the lists of the API: tenants, errors, audit facts, resources, health, findings."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tenantctl.drawing import Drawing, Line, Table, grid, lines_of, pairs
from tenantctl.tenant import phase
from tenantctl.text import format_duration, format_time

Json = Mapping[str, Any]
_STYLES: Final = {"Active": "green", "Failed": "red", "Provisioning": "blue", "Decommissioned": "dim"}


def draw_tenants(data: Json) -> Drawing:
    """One row for each tenant; `!` marks those that need a person. Below: the number of tenants in each state."""
    rows = data.get("tenants") or []
    if not rows:
        return [Line("No tenant matches." if any((data.get("counts") or {}).values()) else "There are no tenants yet.")]
    several = len({row.get("product") for row in rows}) > 1
    cells = [
        (
            "!" if row.get("needs_attention") else " ",
            row.get("slug"),
            phase(row),
            format_duration(row.get("seconds_in_state")),
            row.get("activity_label") or row.get("activity") or "-",
            row.get("attempt"),
            row.get("plan"),
            row.get("region"),
            *((row.get("product") or "-",) if several else ()),
            row.get("name"),
        )
        for row in rows
    ]
    styles = [_STYLES.get(str(row.get("state")), "yellow") for row in rows]
    headings = [
        "",
        "SLUG",
        "STATE",
        "FOR",
        "AT",
        "ATTEMPT",
        "PLAN",
        "REGION",
        *(("PRODUCT",) if several else ()),
        "NAME",
    ]
    return [grid(cells, headings, styles), *_counts(data)]


def _counts(data: Json) -> Drawing:
    counts = ", ".join(f"{number} {state}" for state, number in (data.get("counts") or {}).items() if number)
    return [Line(""), *([Line(counts, "dim")] if counts else [])]


def draw_errors(data: Json) -> Drawing:
    """Errors, oldest first, with their whole messages."""
    found = data.get("errors") or []
    if not found:
        return [Line("No error was recorded.")]
    lines: list[Line] = []
    for each in found:
        when = f"{format_time(each.get('at'))}  attempt {each.get('attempt')}"
        what = f"{when}  {each.get('activity') or '-'}  {each.get('error') or ''}"
        lines += [Line(what.rstrip(), "bold"), *lines_of(each.get("message"), indent="    ")]
    return lines


def draw_audit(data: Json) -> Drawing:
    """One fact a line, and whether the hash chain is complete."""
    cells = [
        (
            fact.get("seq"),
            format_time(fact.get("at")),
            fact.get("attempt"),
            fact.get("kind"),
            fact.get("actor"),
            fact.get("reason") or "",
        )
        for fact in data.get("facts") or []
    ]
    chain = str(data.get("chain") or "unknown")
    verdict = Line(f"Chain of hashes: {chain}.", "green" if chain == "whole" else "bold red")
    return [grid(cells, ["SEQ", "AT", "ATTEMPT", "FACT", "WHO", "WHY"]), verdict]


def draw_resources(data: Json) -> Drawing:
    """The tenant's outside objects, also those that were released."""
    found = data.get("resources") or []
    cells = [(each.get("kind"), each.get("name"), each.get("state"), each.get("activity")) for each in found]
    return [grid(cells, ["KIND", "NAME", "STATE", "MADE BY"]) if cells else Line("It has no resources.")]


_CONDITIONS: Final = {"down": "bold red", "degraded": "yellow", "unknown": "dim", "ok": ""}
_ORDER: Final = {state: number for number, state in enumerate(_CONDITIONS)}


def draw_health(data: Json) -> Drawing:
    """Every system, the unhealthy first; then the ledger, the engine, and each reconciler's last heartbeat."""
    facts = [("state", str(data.get("state") or "unknown").upper())]
    facts += [("checked at", f"{format_time(data['looked_at'])}, {data.get('age_seconds')} s ago")] * bool(
        data.get("looked_at")
    )
    facts += [(f"ledger {name}", value) for name, value in (data.get("ledger") or {}).items()]
    facts.append(("engine", data.get("engine") or "well"))
    beats = [
        (
            each.get("name"),
            "LATE" if each.get("late") else "on time",
            format_time(each.get("last_beat") or "never"),
            each.get("summary"),
        )
        for each in data.get("reconcilers") or []
    ]
    return [pairs(facts), _draw_checks(data), grid(beats, ["RECONCILER", "", "LAST BEAT", "FOUND"])]


def _draw_checks(data: Json) -> Table:
    known = sorted(data.get("checks") or [], key=lambda each: _ORDER.get(str(each.get("state")), 0))
    cells = [
        (
            str(each.get("state")).upper(),
            f"{each.get('system')}{': ' if each.get('part') else ''}{each.get('part') or ''}",
            each.get("region") or "-",
            _message_since(each),
        )
        for each in known
    ]
    styles = [_CONDITIONS.get(str(each.get("state")), "") for each in known]
    return grid(cells, ["", "SYSTEM", "REGION", "WHAT"], styles)


def _message_since(each: Json) -> str:
    since = each.get("since") if each.get("state") != "ok" else None
    return f"{each.get('said')}{f' (since {format_time(since)})' if since else ''}"


DRIFT_CHECK_MINUTES: Final = 30
"""As dags/tenant_reality_check.py schedules it."""


def draw_findings(data: Json) -> Drawing:
    """Each finding with what to do, and when the drift check last ran."""
    check = data.get("check") or {}
    checked = f"Checked at {format_time(check.get('last_beat') or 'never')}: {check.get('summary')}"
    if not check.get("late"):
        checked = f"{checked}  It looks again every {DRIFT_CHECK_MINUTES} minutes."
    found = data.get("findings") or []
    lines = [line for each in found for line in _draw_finding(each)] or [Line("Nothing was found that differs.")]
    return [*lines, Line(checked, "dim")]


def _draw_finding(each: Json) -> list[Line]:
    what, whose = f"{each.get('what')}  {each.get('kind')} {each.get('name')}", each.get("slug") or each.get("tenant")
    where = f"{each.get('region') or '-'}  since {format_time(each.get('since'))}  tenant {whose or 'unknown'}"
    return [Line(f"{what}  {where}", "bold"), Line(f"    {each.get('said')}")]


def draw_classes(data: Json) -> Drawing:
    """Each open incident group: number of tenants, cause, next step."""
    found = data.get("classes") or []
    return [line for each in found for line in _draw_class(each)] or [Line("There is no open incident group.")]


def _draw_class(each: Json) -> list[Line]:
    since = f"since {format_time(each.get('first_at'))}"
    what = f"class {each.get('id')}  {each.get('members')} tenants  {each.get('cause')}  {since}"
    sentences = (each.get("sentence"), f"Next:  {each.get('next_action')}")
    return [Line(what, "bold"), *(Line(f"    {sentence}") for sentence in sentences)]


def draw_plan(tenants: Iterable[Json]) -> Drawing:
    """What the recovery of a group would do to each tenant."""
    cells = [
        (each.get("slug"), ", then ".join(each.get("would") or ()) or "nothing", each.get("why")) for each in tenants
    ]
    return [grid(cells, ["SLUG", "WOULD", "WHY"])]


def draw_report(tenants: Iterable[Json]) -> Drawing:
    """The outcome of each tenant."""
    cells = [
        (each.get("slug"), each.get("outcome"), ", ".join(each.get("did") or ()) or "-", each.get("said"))
        for each in tenants
    ]
    return [grid(cells, ["SLUG", "OUTCOME", "DID", ""])]
