"""The attacks, one function per fault, each upon a tenant that is held. InjectionMissed when one cannot be made.

The trial context repairs later what an attack breaks; nothing here waits for that.
"""

import time
from collections.abc import Callable

import httpx
import psutil
import psycopg

from tests.chaos import (
    compensation_attacks,
    connection_attacks,
    operator_attacks,
    process_attacks,
    restore_attacks,
    system_attacks,
)
from tests.chaos.injection_points import Hold
from tests.chaos.trial_context import InjectionMissed, TrialContext
from tests.chaos.trial_generator import CELERY_PARTS, PARTS, RESTORE_FAULT, Attack


def inject(context: TrialContext, hold: Hold, attack: Attack) -> None:
    """Make one attack."""
    time.sleep(attack.after)
    try:
        _INJECTORS[attack.fault](context, hold, attack)
    except (httpx.HTTPError, psycopg.Error, psutil.Error) as error:
        raise InjectionMissed(f"{attack.fault}: {error!r}") from error


_INJECTORS: dict[str, Callable[[TrialContext, Hold, Attack], None]] = {
    "kill task": process_attacks.kill_task,
    "kill supervisor": process_attacks.kill_supervisor,
    **{f"kill {part}": process_attacks.kill_part(part) for part in (*PARTS, *CELERY_PARTS)},
    "stop task": process_attacks.stop_task,
    "stop part": process_attacks.stop_part,
    "cut ledger": connection_attacks.cut("ledger", "ledger"),
    "cut storage": connection_attacks.cut("storage", "storage_admin"),
    "cut cluster": connection_attacks.cut_cluster,
    "raise": connection_attacks.raise_error,
    "cancel by API": operator_attacks.cancel,
    "cancel by PATCH on run": operator_attacks.patch_run,
    "PATCH task failed": operator_attacks.patch_task,
    "cancel twice at once": operator_attacks.cancel_twice,
    "cancel, reset, retry": operator_attacks.recover,
    "clear a subset": operator_attacks.clear_some,
    "trigger again": operator_attacks.trigger_again,
    "delete the run": operator_attacks.delete_run,
    "compensation fails": compensation_attacks.fail,
    "compensation hangs": compensation_attacks.hang,
    "compensation is killed": process_attacks.kill_task_and_supervisor,
    "cluster answers 404": system_attacks.cluster("router-404"),
    "cluster answers a login page": system_attacks.cluster("login-page"),
    "cluster takes no writes": system_attacks.cluster("http-500", on=["write"]),
    "cluster is silent": system_attacks.cluster("hang"),
    "another cluster answers": system_attacks.cluster("other-cluster"),
    "storage takes no writes": system_attacks.storage_takes_no_writes,
    "storage is silent": system_attacks.storage_is_silent,
    "another storage answers": system_attacks.another_storage,
    "scaled to zero": system_attacks.scale_to_zero,
    "worker is older than the ledger": system_attacks.older_worker,
    RESTORE_FAULT: restore_attacks.restore_later,
}
