"""The commands that only read: list, show, timeline, errors, audit, resources, health, findings, classes."""

from collections.abc import Mapping
from typing import Any, Final

from tenantctl.commands import CommandSpec
from tenantctl.exit_codes import ExitCode
from tenantctl.options import (
    After,
    Attention,
    Cursor,
    FactsLimit,
    Limit,
    Plan,
    Product,
    Ref,
    Region,
    Search,
    State,
    Substate,
)
from tenantctl.paths import tenant_path
from tenantctl.session import Session


def list_(
    session: Session,
    *,
    state: State = None,
    substate: Substate = None,
    region: Region = None,
    plan: Plan = None,
    product: Product = None,
    search: Search = None,
    cursor: Cursor = None,
    limit: Limit = 50,
    attention: Attention = False,
) -> ExitCode:
    """List tenants; ! marks those that need a person."""
    from tenantctl import lists

    where = {"region": region, "plan": plan, "product": product}
    asked = {"state": state, "substate": substate, **where, "q": search, "cursor": cursor}
    answer = session.api.get("/tenants", {**asked, "limit": limit, "attention": "true" if attention else None})
    session.show_response(answer, lists.draw_tenants)
    if answer.data.get("next"):
        session.warn(f"There are more: add --cursor {answer.data['next']}")
    return ExitCode.DONE


def show(session: Session, ref: Ref) -> ExitCode:
    """Show one tenant.

    Its state, failures, allowed actions and next step."""
    from tenantctl import details

    session.show_response(session.fetch_tenant(ref), details.draw_tenant)
    return ExitCode.DONE


def timeline(session: Session, ref: Ref) -> ExitCode:
    """Show every attempt, activity by activity."""
    from tenantctl import timeline_view

    session.show_response(session.api.get(tenant_path(ref, "timeline")), timeline_view.draw_attempts)
    return ExitCode.DONE


def errors(session: Session, ref: Ref) -> ExitCode:
    """Show the saga's error log, oldest first."""
    from tenantctl import lists

    session.show_response(session.api.get(tenant_path(ref, "errors")), lists.draw_errors)
    return ExitCode.DONE


def audit(session: Session, ref: Ref, *, after: After = 0, limit: FactsLimit = 200) -> ExitCode:
    """Show the audit log: every fact, by whom and why.

    Exit code 1 when its hash chain is broken."""
    from tenantctl import lists

    answer = session.api.get(tenant_path(ref, "audit"), {"after": str(after), "limit": limit})
    session.show_response(answer, lists.draw_audit)
    if answer.data.get("next"):
        session.warn(f"There are more: add --after {answer.data['next']}")
    return ExitCode.DONE if answer.data.get("chain", "whole") == "whole" else ExitCode.FAILED


def resources(session: Session, ref: Ref) -> ExitCode:
    """Show the tenant's outside objects.

    Databases, connections and workloads, each with its state."""
    from tenantctl import lists

    session.show_response(session.api.get(tenant_path(ref, "resources")), lists.draw_resources)
    return ExitCode.DONE


def health(session: Session) -> ExitCode:
    """Show platform health.

    Ledger, workflow engine, each region's storage, cluster and ingress, free capacity. Exit code 1 when one is down."""
    from tenantctl import lists

    answer = session.api.get("/health")
    session.show_response(answer, lists.draw_health)
    return ExitCode.DONE if _is_healthy(answer.data) else ExitCode.FAILED


def findings(session: Session) -> ExitCode:
    """Show the findings of the drift check.

    Missing, orphaned, changed and foreign objects, each with what to do. Exit code 1 when there is a finding."""
    from tenantctl import lists

    answer = session.api.get("/findings")
    session.show_response(answer, lists.draw_findings)
    check = answer.data.get("check") or {}
    if check.get("late"):
        session.warn("The reality check is late: this may be old. Is the DAG tenant_reality_check there, not paused?")
    if answer.data.get("cut"):
        session.warn("There are more than are shown.")
    return ExitCode.FAILED if answer.data.get("findings") or check.get("late") else ExitCode.DONE


def classes(session: Session) -> ExitCode:
    """List open incident groups.

    A group is several tenants with one cause. Escalate it once; `recover --class ID` recovers them together."""
    from tenantctl import lists

    answer = session.api.get("/classes")
    session.show_response(answer, lists.draw_classes)
    if answer.data.get("cut"):
        session.warn(f"And {answer.data.get('others') or 'some'} more.")
    return ExitCode.DONE


def _is_healthy(data: Mapping[str, Any]) -> bool:
    """Whether no check, ledger or part of the engine is down. Degraded and unknown count as healthy."""
    down = any(each.get("state") == "down" for each in data.get("checks") or [])
    return bool(data.get("ledger")) and not data.get("engine") and not down


COMMANDS: Final = (
    CommandSpec(list_, "list --attention"),
    CommandSpec(show, "show acme"),
    CommandSpec(timeline, "timeline acme"),
    CommandSpec(errors, "errors acme"),
    CommandSpec(audit, "audit acme --limit 50"),
    CommandSpec(resources, "resources acme"),
    CommandSpec(health, "health"),
    CommandSpec(findings, "findings"),
    CommandSpec(classes, "classes"),
)
