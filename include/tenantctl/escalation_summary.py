"""What the runbook asks to capture before an escalation, as text to paste.

"The tenant's id. The slug. The Provisioning timeline's last successful activity. Any error message visible in the
saga's error log. Whether you've already tried cancel + reset + retry": below the list, each action with its result.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from tenantctl.paths import tenant_path
from tenantctl.tenant import Tenant
from tenantctl.text import escape_controls, format_time, one_line

if TYPE_CHECKING:
    from tenantctl.client import ApiClient

Json = Mapping[str, Any]
_STEPS: Final = ("cancel", "reset", "retry")
_ACTIONS_AT_MOST: Final = 10
"""The newest ones: a list that is to be pasted."""


def escalation_summary(api: "ApiClient", ref: str) -> str:
    """The list. It takes four requests."""
    tenant = Tenant.of(api.get(tenant_path(ref)).data)
    timeline = api.get(tenant_path(ref, "timeline")).data
    errors = api.get(tenant_path(ref, "errors")).data.get("errors") or []
    history = api.get(tenant_path(ref, "action-history")).data.get("actions") or []
    return "\n".join([*_lines(tenant, timeline, errors, history), *_action_lines(history)])


def latest_problem(tenant: Tenant, errors: list[Json]) -> str:
    """The last error; before any activity failed, the cause of the open stall or of the activity's wait."""
    if tenant.why:
        return f"{tenant.activity_label}: {tenant.why}" if tenant.activity_label else tenant.why
    return last_error(errors)


def _lines(tenant: Tenant, timeline: Json, errors: list[Json], history: list[Json]) -> list[str]:
    taken = {each.get("action") for each in history if not each.get("refused")}
    tried = ", ".join(f"{action} {'yes' if action in taken else 'no'}" for action in _STEPS)
    named = [
        ("Tenant's id", tenant.id),
        ("Slug", tenant.slug),
        ("State", f"{tenant.phase}, attempt {tenant.attempt}, {len(tenant.failures)} failures"),
        ("Last successful activity", last_completed_activity(timeline)),
        ("Last error", latest_problem(tenant, errors)),
        ("Resources left", ", ".join(tenant.progress.left) or "none"),
        ("Already tried", tried),
    ]
    return [f"{name + ':':<26}{escape_controls(value)}" for name, value in named]


def _action_lines(history: list[Json]) -> list[str]:
    older = len(history) - _ACTIONS_AT_MOST
    not_listed = [f"- {older} older action{'s' if older > 1 else ''}"] if older > 0 else []
    return [*not_listed, *(f"- {escape_controls(each.get('summary'))}" for each in history[-_ACTIONS_AT_MOST:])]


def last_error(errors: list[Json]) -> str:
    """The last error in the log. A refusal is none."""
    last = next((each for each in reversed(errors) if each.get("error") != "Refused"), None)
    if last is None:
        return "none recorded"
    where = f"{last.get('activity')}: " if last.get("activity") else ""
    return f"{where}{one_line(str(last.get('message')))} ({format_time(last.get('at'))})"


def last_completed_activity(timeline: Json) -> str:
    """The last successful activity of the newest attempt that has one."""
    by_number = sorted(timeline.get("attempts") or [], key=lambda attempt: int(attempt.get("attempt") or 0))
    for attempt in reversed(by_number):
        done = [row for row in attempt.get("rows") or () if row.get("status") == "done"]
        if done:
            return f"{done[-1].get('label') or done[-1].get('activity')} (attempt {attempt.get('attempt')})"
    return "none"
