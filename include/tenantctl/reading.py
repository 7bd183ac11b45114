"""The verbs that only look: list, show, timeline, errors, audit, resources, health, findings, classes."""

from typing import Final

from tenantctl import cards, pane, tables
from tenantctl.client import tenant_path
from tenantctl.exits import Exit
from tenantctl.options import After, Attention, Cursor, FactsLimit, Limit, Plan, Ref, Region, Search, State, Substate
from tenantctl.session import Session
from tenantctl.verbs import Entry


def list_(
    session: Session,
    *,
    state: State = None,
    substate: Substate = None,
    region: Region = None,
    plan: Plan = None,
    search: Search = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    attention: Attention = False,
) -> Exit:
    """List tenants; those marked with ! need somebody."""
    asked = {"state": state, "substate": substate, "region": region, "plan": plan, "q": search, "cursor": cursor}
    answer = session.api.get("/tenants", {**asked, "limit": limit, "attention": "true" if attention else None})
    session.give(answer, tables.tenants)
    if answer.data.get("next"):
        session.warn(f"There are more: add --cursor {answer.data['next']}")
    return Exit.DONE


def show(session: Session, ref: Ref) -> Exit:
    """Show one tenant.

    Its state, its failures, what may be done now and what to do next."""
    session.give(session.tenant(ref), cards.tenant)
    return Exit.DONE


def timeline(session: Session, ref: Ref) -> Exit:
    """Show every attempt, activity by activity."""
    session.give(session.api.get(tenant_path(ref, "timeline")), pane.attempts)
    return Exit.DONE


def errors(session: Session, ref: Ref) -> Exit:
    """Show the saga's error log, oldest first."""
    session.give(session.api.get(tenant_path(ref, "errors")), tables.errors)
    return Exit.DONE


def audit(session: Session, ref: Ref, *, after: After = 0, limit: FactsLimit = 200) -> Exit:
    """Show the audit log: every fact, who and why.

    Exit code 1 when its chain of hashes is broken."""
    answer = session.api.get(tenant_path(ref, "audit"), {"after": str(after), "limit": limit})
    session.give(answer, tables.audit)
    if answer.data.get("next"):
        session.warn(f"There are more: add --after {answer.data['next']}")
    return Exit.DONE if answer.data.get("chain", "whole") == "whole" else Exit.FAILED


def resources(session: Session, ref: Ref) -> Exit:
    """Show what the tenant has outside.

    Databases, handles, workloads, and how far each is."""
    session.give(session.api.get(tenant_path(ref, "resources")), tables.resources)
    return Exit.DONE


def health(session: Session) -> Exit:
    """Show how the platform is.

    Ledger, workflow engine, storage, cluster and ingress of each region, room. Exit code 1 when something is down."""
    answer = session.api.get("/health")
    session.give(answer, tables.health)
    return Exit.DONE if tables.is_well(answer.data) else Exit.FAILED


def findings(session: Session) -> Exit:
    """Show where ledger and world differ.

    Orphans, what is missing of Active tenants, edited rows, and what to do. Exit code 1 unless there is nothing."""
    answer = session.api.get("/findings")
    session.give(answer, tables.findings)
    check = answer.data.get("check") or {}
    if check.get("late"):
        session.warn("The reality check is late: this may be old. Is the DAG tenant_reality_check there, not paused?")
    if answer.data.get("cut"):
        session.warn("There are more than are shown.")
    return Exit.FAILED if answer.data.get("findings") or check.get("late") else Exit.DONE


def classes(session: Session) -> Exit:
    """List the classes of stall that are open.

    Each is one matter of several tenants, to be escalated once; `recover --class ID` recovers them together."""
    answer = session.api.get("/classes")
    session.give(answer, tables.classes)
    if answer.data.get("cut"):
        session.warn(f"And {answer.data.get('others') or 'some'} more.")
    return Exit.DONE


VERBS: Final = (
    Entry(list_, "list --attention"),
    Entry(show, "show acme"),
    Entry(timeline, "timeline acme"),
    Entry(errors, "errors acme"),
    Entry(audit, "audit acme --limit 50"),
    Entry(resources, "resources acme"),
    Entry(health, "health"),
    Entry(findings, "findings"),
    Entry(classes, "classes"),
)
