"""The attacks, one function a fault, each upon a tenant that is held. Missed when it cannot be made.

What has to be mended again is put off to the scene, which mends it in time; nothing here waits for that.
"""

import time
from collections.abc import Callable

import httpx
import psutil
import psycopg

from tests.chaos import by_operators, on_compensations, on_connections, on_processes, on_systems
from tests.chaos.draw import CELERYS_PARTS, PARTS, Attack
from tests.chaos.moments import Hold
from tests.chaos.scene import Missed, Scene


def strike(scene: Scene, hold: Hold, attack: Attack) -> None:
    """Make one attack."""
    time.sleep(attack.after)
    try:
        _STRIKES[attack.fault](scene, hold, attack)
    except (httpx.HTTPError, psycopg.Error, psutil.Error) as error:
        raise Missed(f"{attack.fault}: {error!r}") from error


_STRIKES: dict[str, Callable[[Scene, Hold, Attack], None]] = {
    "kill task": on_processes.kill_task,
    "kill supervisor": on_processes.kill_supervisor,
    **{f"kill {part}": on_processes.kill_part(part) for part in (*PARTS, *CELERYS_PARTS)},
    "stop task": on_processes.stop_task,
    "stop part": on_processes.stop_part,
    "cut ledger": on_connections.cut("ledger", "ledger"),
    "cut storage": on_connections.cut("storage", "storage_admin"),
    "cut cluster": on_connections.cut_cluster,
    "raise": on_connections.raise_error,
    "cancel by API": by_operators.cancel,
    "cancel by PATCH on run": by_operators.patch_run,
    "PATCH task failed": by_operators.patch_task,
    "cancel twice at once": by_operators.cancel_twice,
    "cancel, reset, retry": by_operators.recover,
    "clear a subset": by_operators.clear_some,
    "trigger again": by_operators.trigger_again,
    "delete the run": by_operators.delete_run,
    "compensation fails": on_compensations.fail,
    "compensation hangs": on_compensations.hang,
    "compensation is killed": on_processes.kill_task_and_supervisor,
    "cluster answers 404": on_systems.cluster("router-404"),
    "cluster answers a login page": on_systems.cluster("login-page"),
    "cluster takes no writes": on_systems.cluster("http-500", on=["write"]),
    "cluster is silent": on_systems.cluster("hang"),
    "another cluster answers": on_systems.cluster("other-cluster"),
    "storage takes no writes": on_systems.storage_takes_no_writes,
    "storage is silent": on_systems.storage_is_silent,
    "another storage answers": on_systems.another_storage,
    "scaled to zero": on_systems.scale_to_zero,
    "worker is older than the ledger": on_systems.older_worker,
}
