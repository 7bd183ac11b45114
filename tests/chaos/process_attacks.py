"""Attacks on processes: kill -9 and SIGSTOP of tasks, their supervisors, and the parts of the platform."""

import signal
from collections.abc import Callable
from contextlib import suppress

import psutil

from sandbox import processes
from sandbox.components import SCHEDULERS, WORKERS
from sandbox.processes import Daemon, Register
from tests.chaos.injection_points import Hold
from tests.chaos.trial_context import InjectionMissed, TrialContext
from tests.chaos.trial_generator import CELERY_PARTS, PARTS, Attack
from tests.sandboxes import EXECUTOR


def kill_task(context: TrialContext, hold: Hold, attack: Attack) -> None:
    context.task_process().kill()


def kill_supervisor(context: TrialContext, hold: Hold, attack: Attack) -> None:
    supervisor = context.task_process().parent()
    if supervisor is None:
        raise InjectionMissed("the task has no supervisor")
    supervisor.kill()


def kill_task_and_supervisor(context: TrialContext, hold: Hold, attack: Attack) -> None:
    for each in _task_and_supervisor(context):
        each.kill()


def stop_task(context: TrialContext, hold: Hold, attack: Attack) -> None:
    stopped = _task_and_supervisor(context)
    for each in stopped:
        each.suspend()
    context.run_later(attack.lasts, lambda: _resume(stopped))


def _task_and_supervisor(context: TrialContext) -> list[psutil.Process]:
    task = context.task_process()
    return [each for each in (task, task.parent()) if each is not None]


def _resume(stopped: list[psutil.Process]) -> None:
    for each in stopped:
        with suppress(psutil.NoSuchProcess):
            each.resume()


_TWINS = {"scheduler": SCHEDULERS, "worker": WORKERS}
"""With Celery there are two of these."""


def kill_part(name: str) -> Callable[[TrialContext, Hold, Attack], None]:
    def kill(context: TrialContext, hold: Hold, attack: Attack) -> None:
        processes.send_signal(_part(context, name), signal.SIGKILL)
        context.run_later(attack.lasts, context.heal)

    return kill


def stop_part(context: TrialContext, hold: Hold, attack: Attack) -> None:
    part = _part(context, context.rng.choice(PARTS + (CELERY_PARTS if EXECUTOR == "celery" else ())))
    processes.send_signal(part, signal.SIGSTOP)
    context.run_later(attack.lasts, lambda: processes.send_signal(part, signal.SIGCONT))
    context.run_later(attack.lasts + 1, context.heal)


def _part(context: TrialContext, name: str) -> Daemon:
    if EXECUTOR == "celery" and name in _TWINS:
        name = _one_of(context, _TWINS[name])
    part = Register(context.access.layout.processes).get(name)
    if part is None or not part.alive:
        raise InjectionMissed(f"{name} does not run")
    return part


def _one_of(context: TrialContext, twins: tuple[str, ...]) -> str:
    """The one that works for the held tenant, or any."""
    involved = {name for task in context.tasks() if task["state"] == "running" for name in (task["host"], task["by"])}
    return next((each for each in twins if each in involved), context.rng.choice(twins))
