"""What the runbook asks to capture before an escalation, as text to paste.

"The tenant's id. The slug. The Provisioning timeline's last successful activity. Any error message visible in the
saga's error log. Whether you've already tried cancel + reset + retry."
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from tenantctl.paths import tenant_path
from tenantctl.tenant import Tenant
from tenantctl.text import escape_controls, format_time, one_line

if TYPE_CHECKING:
    from tenantctl.client import ApiClient

Json = Mapping[str, Any]
_TRIED: Final = {
    "cancel": "tenant.provisioning.cancel.requested",
    "reset": "tenant.provisioning.reset",
    "retry": "tenant.provisioning.retried",
}


def escalation_summary(api: "ApiClient", ref: str) -> str:
    """The list. It takes four requests."""
    tenant = Tenant.of(api.get(tenant_path(ref)).data)
    timeline = api.get(tenant_path(ref, "timeline")).data
    errors = api.get(tenant_path(ref, "errors")).data.get("errors") or []
    return "\n".join(_lines(tenant, timeline, errors, set(_fact_kinds(api, ref))))


def latest_problem(tenant: Tenant, errors: list[Json]) -> str:
    """The last error; before any activity failed, the cause of the open stall or of the activity's wait."""
    if tenant.why:
        return f"{tenant.activity_label}: {tenant.why}" if tenant.activity_label else tenant.why
    return last_error(errors)


def _lines(tenant: Tenant, timeline: Json, errors: list[Json], kinds: set[str]) -> list[str]:
    tried = ", ".join(f"{action} {'yes' if kind in kinds else 'no'}" for action, kind in _TRIED.items())
    named = [
        ("Tenant's id", tenant.id),
        ("Slug", tenant.slug),
        ("State", f"{tenant.phase}, attempt {tenant.attempt}, {len(tenant.failures)} failures"),
        ("Last successful activity", last_completed_activity(timeline)),
        ("Last error", latest_problem(tenant, errors)),
        ("Already tried", tried),
        ("Resources left", ", ".join(tenant.progress.left) or "none"),
    ]
    return [f"{name + ':':<26}{escape_controls(value)}" for name, value in named]


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


def _fact_kinds(api: "ApiClient", ref: str) -> Iterable[str]:
    after: object = 0
    while after is not None:
        page = api.get(tenant_path(ref, "audit"), {"after": str(after), "limit": 200}).data
        yield from (str(fact.get("kind")) for fact in page.get("facts") or [])
        after = page.get("next")
