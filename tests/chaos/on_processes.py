"""Attacks on processes: kill -9 and SIGSTOP of tasks, their supervisors, and the parts of the platform."""

import signal
from collections.abc import Callable
from contextlib import suppress

import psutil

from sandbox import processes
from sandbox.components import SCHEDULERS, WORKERS
from sandbox.processes import Daemon, Register
from tests.chaos.draw import CELERYS_PARTS, PARTS, Attack
from tests.chaos.moments import Hold
from tests.chaos.scene import Missed, Scene
from tests.sandboxes import EXECUTOR


def kill_task(scene: Scene, hold: Hold, attack: Attack) -> None:
    scene.task_process().kill()


def kill_supervisor(scene: Scene, hold: Hold, attack: Attack) -> None:
    supervisor = scene.task_process().parent()
    if supervisor is None:
        raise Missed("the task has no supervisor")
    supervisor.kill()


def kill_task_and_supervisor(scene: Scene, hold: Hold, attack: Attack) -> None:
    for each in _task_and_supervisor(scene):
        each.kill()


def stop_task(scene: Scene, hold: Hold, attack: Attack) -> None:
    stopped = _task_and_supervisor(scene)
    for each in stopped:
        each.suspend()
    scene.later(attack.lasts, lambda: _resume(stopped))


def _task_and_supervisor(scene: Scene) -> list[psutil.Process]:
    task = scene.task_process()
    return [each for each in (task, task.parent()) if each is not None]


def _resume(stopped: list[psutil.Process]) -> None:
    for each in stopped:
        with suppress(psutil.NoSuchProcess):
            each.resume()


_TWINS = {"scheduler": SCHEDULERS, "worker": WORKERS}
"""With Celery there are two of these."""


def kill_part(name: str) -> Callable[[Scene, Hold, Attack], None]:
    def kill(scene: Scene, hold: Hold, attack: Attack) -> None:
        processes.send_signal(_part(scene, name), signal.SIGKILL)
        scene.later(attack.lasts, scene.heal)

    return kill


def stop_part(scene: Scene, hold: Hold, attack: Attack) -> None:
    part = _part(scene, scene.chance.choice(PARTS + (CELERYS_PARTS if EXECUTOR == "celery" else ())))
    processes.send_signal(part, signal.SIGSTOP)
    scene.later(attack.lasts, lambda: processes.send_signal(part, signal.SIGCONT))
    scene.later(attack.lasts + 1, scene.heal)


def _part(scene: Scene, name: str) -> Daemon:
    if EXECUTOR == "celery" and name in _TWINS:
        name = _one_of(scene, _TWINS[name])
    part = Register(scene.access.layout.processes).get(name)
    if part is None or not part.alive:
        raise Missed(f"{name} does not run")
    return part


def _one_of(scene: Scene, twins: tuple[str, ...]) -> str:
    """The one that has to do with the tenant that is held, or any."""
    involved = {name for task in scene.tasks() if task["state"] == "running" for name in (task["host"], task["by"])}
    return next((each for each in twins if each in involved), scene.chance.choice(twins))
