"""What recovering a class does to each of its tenants, and in which order. Pure; `batch` carries it out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tenantctl.recovering import Course, Stop, next_step, steps
from tenantctl.tenant import Tenant

AT_ONCE: Final = 3
_OVER: Final = frozenset({"Active", "Decommissioning", "Decommissioned"})


@dataclass(frozen=True)
class Case:
    """One tenant of the class. Without a `course` nothing is done about it, and `why` says why."""

    tenant: Tenant
    course: Course | None
    steps: tuple[str, ...] = ()
    why: str = ""


def case_of(tenant: Tenant) -> Case:
    """What there is to do about it, as it is now."""
    if tenant.phase in _OVER:
        return Case(tenant, None, why=f"it is {tenant.phase}")
    course, alone = _course_of(tenant), f"tenantctl recover {tenant.slug}"
    if course.retried(tenant) and not isinstance(next_step(tenant, course), Stop):
        return Case(tenant, course, why="it was retried already: only waited for")
    if tenant.retry_wants_slug:
        spent = f"{tenant.attempt} attempts did not end Active"
        return Case(tenant, None, why=f"{spent}: decommission + recreate, or {alone}")
    if isinstance(stop := next_step(tenant, course), Stop):
        return Case(tenant, None, why=stop.said)
    if "cancel" in steps(tenant) and tenant.cancel_wants_slug:
        return Case(tenant, None, why=f"cancelling it destroys a customer's data: {alone}")
    return Case(tenant, course, steps(tenant))


def _course_of(tenant: Tenant) -> Course:
    """Who provisions in time was retried, perhaps by us before we were interrupted: it is not to be cancelled."""
    course = Course.begin(tenant)
    if tenant.phase != "Provisioning" or tenant.stalled:
        return course
    last = tenant.failures[-1] if tenant.failures else course.origin
    return Course(origin=last, begun_at=tenant.attempt - 1)


def in_order(cases: Iterable[Case]) -> list[Case]:
    """Those that something is done about; first the one that needs least: the canary."""
    return sorted((case for case in cases if case.course), key=lambda case: (len(case.steps), case.tenant.slug))
