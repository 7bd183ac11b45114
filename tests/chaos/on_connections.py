"""Attacks on connections to the ledger, the storage and the cluster, and errors out of the blue."""

from collections.abc import Callable

from tests.chaos import moments
from tests.chaos.draw import Attack
from tests.chaos.moments import Hold
from tests.chaos.places import rows
from tests.chaos.scene import Missed, Scene


def cut(where: str, role: str) -> Callable[[Scene, Hold, Attack], None]:
    """End the role's sessions, and let it have none for a while."""

    def end_and_refuse(scene: Scene, hold: Hold, attack: Attack) -> None:
        dsn = getattr(scene.places, where)
        rows(dsn, f"alter role {role} connection limit 0")
        scene.later(attack.lasts, lambda: rows(dsn, f"alter role {role} connection limit -1"))
        rows(dsn, "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", role)

    return end_and_refuse


def cut_cluster(scene: Scene, hold: Hold, attack: Attack) -> None:
    made = moments.set_fault(scene, "refuse", everywhere=True)
    scene.later(attack.lasts, lambda: moments.clear_fault(scene, made))


def raise_error(scene: Scene, hold: Hold, attack: Attack) -> None:
    """An error where it waits: its statement is cancelled; the cluster's API says 500."""
    place = hold.backend()
    if place is not None:
        dsn, backend = place
        cancelled = backend and rows(dsn, "select pg_cancel_backend(%s) as done", backend)[0]["done"]
        if not cancelled:
            raise Missed("nothing waits that could be cancelled")
    else:
        made = moments.set_fault(scene, "http-500")
        scene.later(attack.lasts, lambda: moments.clear_fault(scene, made))
