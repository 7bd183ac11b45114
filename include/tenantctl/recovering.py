"""What `recover` does next: cancel, then reset, then retry, each only if it is not so already. Pure.

The runbook as a function of the tenant and of what this recovery has done so far; `recovery` carries it out. It never
loops: a retry that fails as the attempt before it did is the end, and so is the third attempt that did not end Active.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

from tenantctl.exits import Exit
from tenantctl.tenant import ENOUGH_ATTEMPTS, Failure, Tenant
from tenantctl.text import duration, sentence

QUIET_SECONDS: Final = 120.0
"""Runbook: "Wait 2 minutes; try cancel again; then reset"."""
_STALL_SECONDS: Final = 300.0
"""Runbook: "> 5 minutes on any single step"; which step may take longer, the API's needs_attention knows."""
_CANCELS: Final = 3


@dataclass(frozen=True)
class Act:
    """Ask for this action, because."""

    action: str
    why: str


@dataclass(frozen=True)
class Wait:
    """The saga goes on by itself; look again."""

    what: str


@dataclass(frozen=True)
class Stop:
    """The end, and what it means for a script."""

    code: Exit
    said: str


Step = Act | Wait | Stop


@dataclass(frozen=True)
class Course:
    """What this recovery found and has done so far."""

    origin: Failure
    """The step that failed or hung when we came; its message is "" when it only hung."""
    begun_at: int = 0
    """The attempt that we came to; a newer one is ours, or a colleague's."""
    cancels: int = 0
    cancelled_stuck: bool = False
    retried_from: int | None = None
    """The attempt before our retry; None while we have not retried."""

    @classmethod
    def begin(cls, tenant: Tenant) -> Self:
        """A recovery that starts now."""
        last = tenant.failures[-1] if tenant.failures else None
        hung = Failure(tenant.attempt, tenant.activity, "")
        return cls(origin=last if last and tenant.phase != "Provisioning" else hung, begun_at=tenant.attempt)

    def after(self, action: str, tenant: Tenant) -> Self:
        """The same course once `action` was accepted for `tenant` as it was then."""
        match action:
            case "cancel":
                stuck = self.cancelled_stuck or tenant.phase == "Failed stuck"
                return replace(self, cancels=self.cancels + 1, cancelled_stuck=stuck)
            case "retry":
                return replace(self, retried_from=tenant.attempt, cancels=0, cancelled_stuck=False)
        return self

    def retried(self, tenant: Tenant) -> bool:
        """Has a new attempt been started since we came? By a colleague's hand too: it is not ours to cancel."""
        return tenant.attempt > self.begun_at or self.retried_from is not None


def next_step(tenant: Tenant, course: Course, quiet_seconds: float = 0.0) -> Step:
    """`quiet_seconds`: for how long nothing has changed since our last action."""
    if tenant.phase in {"Cancelling", "Failed unwinding"}:
        return _of_unwinding(tenant, course, quiet_seconds)
    return _RULES.get(tenant.phase, _of_others)(tenant, course)


def steps(tenant: Tenant) -> tuple[str, ...]:
    """What is still to be done, if nothing comes between; empty when there is nothing to recover."""
    if isinstance(next_step(tenant, Course.begin(tenant)), Stop):
        return ()
    match tenant.phase:
        case "Provisioning" | "Failed stuck":
            return ("cancel", "reset", "retry")
        case "Failed ready":
            return ("retry",)
    return ("reset", "retry")


def _of_active(tenant: Tenant, course: Course) -> Step:
    done = f"attempt {tenant.attempt} succeeded" if course.retried(tenant) else "there is nothing to recover"
    return Stop(Exit.DONE, f"{tenant.slug} is Active: {done}.")


def _of_others(tenant: Tenant, course: Course) -> Step:  # noqa: ARG001 - one of _RULES
    return Stop(Exit.REFUSED, f"{tenant.slug} is {tenant.phase}: there is nothing to recover. {tenant.next_action}")


def _of_provisioning(tenant: Tenant, course: Course) -> Step:
    if not course.retried(tenant):
        return Act("cancel", f"it is Provisioning, at {tenant.activity_label} for {duration(tenant.seconds)}")
    hangs = tenant.needs_attention and tenant.seconds >= _STALL_SECONDS
    if hangs and tenant.activity == course.origin.activity:
        return Stop(Exit.FAILED, f"{tenant.slug} hangs at {tenant.activity_label} again. {_INVESTIGATE}")
    held = f" ({tenant.held})" if tenant.held else ""
    return Wait(f"attempt {tenant.attempt} runs: {tenant.activity_label}{held}")


def _of_unwinding(tenant: Tenant, course: Course, quiet_seconds: float) -> Step:
    if quiet_seconds < QUIET_SECONDS:
        return Wait("what was made is being undone")
    if course.cancels < _CANCELS:
        return Act("cancel", f"nothing has moved for {duration(quiet_seconds)}")
    return Stop(Exit.FAILED, f"{tenant.slug} does not get undone, though cancelled {_CANCELS} times. {_ESCALATE}")


def _of_stuck(tenant: Tenant, course: Course) -> Step:
    if not course.cancelled_stuck:
        return Act("cancel", "something could not be undone; cancelling tries it again")
    left = ", ".join(tenant.progress.left) or "see `tenantctl errors`"
    return Stop(Exit.FAILED, f"{tenant.slug} is stuck again; left: {left}. Mend the cause, then recover. {_ESCALATE}")


def _of_ready(tenant: Tenant, course: Course) -> Step:
    if course.retried_from == tenant.attempt:
        return Wait(f"the new run has not begun yet{f' ({tenant.held})' if tenant.held else ''}")
    return _ended(tenant, course) or Act("retry", "it is clean and ready")


def _of_ended(tenant: Tenant, course: Course) -> Step:
    return _ended(tenant, course) or Act("reset", _why_reset(tenant))


def _why_reset(tenant: Tenant) -> str:
    kept = tenant.phase == "Failed retained"
    return "it failed; what it has is kept" if kept else "nothing is left behind"


def _ended(tenant: Tenant, course: Course) -> Stop | None:
    """Whether an attempt that began since we came failed in a way that makes another one pointless."""
    if tenant.attempt == course.begun_at:
        return None
    failure = tenant.failure
    if failure is None:
        return Stop(Exit.FAILED, f"Attempt {tenant.attempt} of {tenant.slug} was cancelled by somebody else meanwhile.")
    where = f"{tenant.slug} failed at {failure.activity}"
    how = sentence(failure.message)
    if same(failure, _before(tenant, course)):
        return Stop(Exit.FAILED, f"{where} with the same error as before: {how} {_INVESTIGATE}")
    if tenant.attempt >= ENOUGH_ATTEMPTS:
        return Stop(Exit.FAILED, f"{where}: {how} After {tenant.attempt} attempts that did not end Active, {_ANEW}")
    return None


def _before(tenant: Tenant, course: Course) -> Failure:
    earlier = [failure for failure in tenant.failures if failure.attempt < tenant.attempt]
    hung = course.origin.attempt == tenant.attempt - 1 and not course.origin.message
    return earlier[-1] if earlier and not hung else course.origin


def same(failure: Failure, before: Failure) -> bool:
    """The same activity with the same error, whatever numbers differ in it; a stall counts as any error."""
    alike = not before.message or _numberless(failure.message) == _numberless(before.message)
    return failure.activity == before.activity and alike


def _numberless(message: str) -> str:
    """As the product's own loop detection sees it (tenancy/saga/loops.py; a test holds the two together)."""
    return re.sub(r"[0-9a-f]{8,}|\d+", "#", message)


_ANEW: Final = "decommission + recreate is cleaner than another retry."
_ESCALATE: Final = "Then it is for platform engineering: `tenantctl escalate`."
_INVESTIGATE: Final = (
    "The cause is not transient, so it is not tried again: look at the platform (`tenantctl health`), the plan, the "
    "region and quotas, then retry, or `tenantctl escalate`."
)

_RULES: Final[Mapping[str, Callable[[Tenant, Course], Step]]] = {
    "Active": _of_active,
    "Provisioning": _of_provisioning,
    "Failed settled": _of_ended,
    "Failed retained": _of_ended,
    "Failed stuck": _of_stuck,
    "Failed ready": _of_ready,
}
