"""Attacks on connections to the ledger, the storage and the cluster, and unexpected errors."""

from collections.abc import Callable

from tests.chaos import injection_points
from tests.chaos.addresses import rows
from tests.chaos.injection_points import Hold
from tests.chaos.trial_context import InjectionMissed, TrialContext
from tests.chaos.trial_generator import Attack


def cut(where: str, role: str) -> Callable[[TrialContext, Hold, Attack], None]:
    """End the role's sessions and allow it none for a while."""

    def end_and_refuse(context: TrialContext, hold: Hold, attack: Attack) -> None:
        dsn = getattr(context.addresses, where)
        rows(dsn, f"alter role {role} connection limit 0")
        context.run_later(attack.lasts, lambda: rows(dsn, f"alter role {role} connection limit -1"))
        rows(dsn, "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", role)

    return end_and_refuse


def cut_cluster(context: TrialContext, hold: Hold, attack: Attack) -> None:
    made = injection_points.set_fault(context, "refuse", everywhere=True)
    context.run_later(attack.lasts, lambda: injection_points.clear_fault(context, made))


def raise_error(context: TrialContext, hold: Hold, attack: Attack) -> None:
    """Raise an error where the task waits: cancel its statement, or let the cluster's API answer 500."""
    place = hold.backend()
    if place is not None:
        dsn, backend = place
        cancelled = backend and rows(dsn, "select pg_cancel_backend(%s) as done", backend)[0]["done"]
        if not cancelled:
            raise InjectionMissed("nothing waits that could be cancelled")
    else:
        made = injection_points.set_fault(context, "http-500")
        context.run_later(attack.lasts, lambda: injection_points.clear_fault(context, made))
