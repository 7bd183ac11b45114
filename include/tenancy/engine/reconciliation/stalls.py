"""Records stalls with their cause, once each, and their end. Called by the reconciler in each pass.

saga/stalls.py finds stalls from the tenants' rows. Only for stalled tenants are outside systems asked for the cause:
Airflow first, then the systems that the activity uses. Examining takes no lock and changes nothing.
"""

import logging
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tenancy.activities.plan import limits
from tenancy.activities.registry import activity_of, find_maker
from tenancy.adapters.advisory_lock import Holder
from tenancy.engine.reconciliation.hold_detection import HoldDetector
from tenancy.engine.tenancy import Tenancy, message_of, unwinder_name
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import LedgerSession
from tenancy.ledger.tenant_statuses import StoredStatus, load_statuses
from tenancy.saga import commands as c
from tenancy.saga.causes import Cause, Evidence
from tenancy.saga.errors import Refused, cause_in
from tenancy.saga.names import TenantId
from tenancy.saga.stalls import NOT_EXAMINED, QUEUED_CAUSES, Stall, stall_of
from tenancy.saga.states import Phase, State
from tenancy.saga.tenant import OpenStall, Saga
from tenancy.saga.unwinding_rules import is_to_be_unwound

log = logging.getLogger(__name__)

RECORDED: int = 200
"""New stalls in one pass, the oldest first; as many may be cleared. Each needs 4 ms for the fold, and a commit."""
LOOK_SECONDS = 10.0
"""For finding causes, in one pass. Stalls of the same time usually have the same cause, so few need to be examined."""
_STAMP = Stamp("reconciler")
_NOTHING_FOUND = "Nothing was found that keeps it."


def record_stalls(tenancy: Tenancy, ledger: LedgerSession, holds: HoldDetector) -> Counter[str]:
    """One pass: how many stalls were recorded, explained and cleared."""
    now, limits_now = ledger.now, limits(tenancy.platform)
    judged = [(stored, stall_of(stored.standing, now, limits_now)) for stored in load_statuses(ledger)]
    pass_ = _Pass(tenancy, ledger, holds, tenancy.monotonic() + LOOK_SECONDS)
    over = [stored for stored, stall in judged if stored.stall and not stall]
    new = [(stored, stall) for stored, stall in judged if stall and not _is_same(stall, stored.stall)]
    known = [stored for stored, stall in judged if stall and _is_same(stall, stored.stall)]
    return Counter(
        {
            "no longer stalled": pass_.clear(over),
            "stalled": pass_.note(sorted(new, key=lambda each: each[1].since)[:RECORDED]),
            "explained": pass_.explain(known),
        }
    )


def _is_same(stall: Stall, recorded: OpenStall | None) -> bool:
    return recorded is not None and (recorded.kind, recorded.activity) == (stall.kind, stall.activity)


@dataclass(frozen=True)
class _Pass:
    tenancy: Tenancy
    ledger: LedgerSession
    holds: HoldDetector
    look_until: float

    def clear(self, stored: list[StoredStatus]) -> int:
        return sum(self._record(each, c.ClearStall()) for each in stored[:RECORDED])

    def note(self, stalled: Iterable[tuple[StoredStatus, Stall]]) -> int:
        return sum(self._note(stored, stall) for stored, stall in stalled)

    def _note(self, stored: StoredStatus, stall: Stall) -> int:
        why = self._explain(stored)
        return self._record(stored, _as_hold(why) or c.RecordStall(stall, why))

    def explain(self, stored: list[StoredStatus]) -> int:
        """Stalls without a known cause first; otherwise in random order, so that each has its turn within the limit."""
        random.shuffle(stored)
        stored.sort(key=lambda each: each.stall is not None and each.stall.cause is not Cause.UNKNOWN)
        done = 0
        for each in stored:
            if self.tenancy.monotonic() > self.look_until:
                break
            why = self._explain(each)
            done += self._record(each, _as_hold(why) or c.ExplainStall(why))
        return done

    def _record(self, stored: StoredStatus, command: c.Command) -> int:
        before = stored.stall
        try:
            after = self.ledger.record(stored.tenant_id, command, stamp=_STAMP)
        except Refused as refusal:  # the tenant has moved on meanwhile
            log.info("%s: %s", stored.tenant_id, refusal)
            return 0
        except Exception as error:  # noqa: BLE001 - one tenant's locked stream must not stop the others
            log.warning("the stall of %s is put off: %s: %s", stored.tenant_id, type(error).__name__, error)
            return 0
        return int(after.stall != before)

    def _explain(self, stored: StoredStatus) -> Evidence:
        if self.tenancy.monotonic() > self.look_until:
            return Evidence(Cause.UNKNOWN, NOT_EXAMINED)
        try:
            saga = self.ledger.saga(stored.tenant_id)
            assert saga is not None  # it has a row
            return self._find_cause(saga)
        except Exception as error:  # noqa: BLE001 - the error that prevents the examination is evidence, too
            return Evidence(cause_in(error), f"It could not be checked: {message_of(error)}")

    def _find_cause(self, saga: Saga) -> Evidence:
        held = self.holds.find_hold(saga) if _is_in_motion(saga) else None
        found = held or self._examine_activity(saga) or self._find_lock_holder(saga.tenant_id) or _last_message(saga)
        return found or Evidence(Cause.UNKNOWN, _NOTHING_FOUND)

    def _find_lock_holder(self, tenant_id: TenantId) -> Evidence | None:
        """Evidence if a process that is not the tenant's own task or unwinder holds its lock.

        The holder is read before and after the saga: the examination may have taken seconds, and the tenant's next task
        may have begun meanwhile.
        """
        holder, saga, still = (
            self.ledger.lock_holder(tenant_id),
            self.ledger.saga(tenant_id),
            self.ledger.lock_holder(tenant_id),
        )
        if holder is None or saga is None or still is None or still.pid != holder.pid or _is_its_own(holder, saga):
            return None
        return Evidence(Cause.LOCK_HELD, f"The tenant's lock is held by {holder}.", {"holder": str(holder)})

    def _examine_activity(self, saga: Saga) -> Evidence | None:
        if is_to_be_unwound(saga):
            return self._examine_unwinding(saga)
        activity = saga.current_activity
        if saga.state is not State.PROVISIONING or activity is None:
            return None
        # an examination creates nothing, so it needs no fence
        fence_command = c.RecordHold(saga.hold.reason, saga.hold.cause or Cause.UNKNOWN)
        context = self.tenancy.activity_context(
            self.ledger, saga, application="tenancy explain", stamp=_STAMP, fence_command=fence_command
        )
        return activity_of(activity).explain(context)

    def _examine_unwinding(self, saga: Saga) -> Evidence | None:
        """Why the remaining resources are not released yet; None if nothing was found."""
        fence_command = c.CheckUnwinding(saga.generation)
        context = self.tenancy.activity_context(
            self.ledger, saga, application="tenancy explain", stamp=_STAMP, fence_command=fence_command
        )
        makers = dict.fromkeys(find_maker(resource, saga.product) for resource in saga.live_resources)
        return next((found for maker in makers if maker and (found := maker.explain_unwinding(context))), None)


def _as_hold(why: Evidence) -> c.Command | None:
    """A queued or paused run is a hold, not a stall. The stall's examination may be the first to find that."""
    return c.RecordHold(why.message, why.cause) if why.cause in QUEUED_CAUSES else None


def _is_in_motion(saga: Saga) -> bool:
    return saga.state not in {State.FAILED, State.ACTIVE} or saga.phase is Phase.FAILED_UNWINDING


def _is_its_own(holder: Holder, saga: Saga) -> bool:
    if is_to_be_unwound(saga):
        return holder.application.startswith(unwinder_name(saga.generation, ""))
    return any(step.holder and step.holder in holder.application for step in saga.current_attempt.steps.values())


def _last_message(saga: Saga) -> Evidence | None:
    """The last error or message that the tenant's own tasks recorded."""
    if saga.unwinding.failure:
        return saga.unwinding.failure
    if is_to_be_unwound(saga):
        return Evidence(Cause.UNKNOWN, "Its compensations have not ended yet, and none of them has failed.")
    activity = saga.current_activity
    step = saga.step(activity) if activity else None
    if saga.state is State.PROVISIONING and step and step.message:
        return Evidence(step.cause, step.message)
    if saga.state is State.FAILED and saga.failures:
        return Evidence(saga.failures[-1].cause, saga.failures[-1].message)
    return None
