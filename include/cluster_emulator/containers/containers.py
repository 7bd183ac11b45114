"""The containers that run for real: starts their programs, watches them, ends them, keeps their logs.

One folder for each pod below `folder`: `root` has the mounted files, `log` what the program wrote. A program runs below
`supervisor.py`, in a process group of its own. When the emulator is killed its programs end; afterwards their pods have
a folder and no process, and count as lost.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster_emulator.containers.launch import Launch, launch_of
from cluster_emulator.containers.messages import termination_message
from cluster_emulator.containers.programs import NO_PROGRAMS, Commands
from cluster_emulator.history import Key
from cluster_emulator.objects import Object

_SUPERVISOR: Final = Path(__file__).with_name("supervisor.py")
LOST_CODE: Final = 137
LOST: Final = ("ContainerStatusUnknown", "The container could not be located when the pod was terminated")


@dataclass(frozen=True, slots=True)
class ContainerExit:
    """How a container ended."""

    code: int
    message: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ContainerRun:
    """A container as it is now: not started, running (no `exit`), or ended."""

    started: bool = False
    exit: ContainerExit | None = None
    ends: int = 0  # how often it has ended


@dataclass
class _Process:
    supervisor: subprocess.Popen[bytes]
    launch: Launch
    policy: str
    exit: ContainerExit | None = None


class Containers:
    """The containers of one cluster."""

    def __init__(self, folder: Path | None = None, programs: Callable[[], Commands] = lambda: NO_PROGRAMS) -> None:
        self._folder, self._programs = folder, programs
        self._processes: dict[str, _Process] = {}
        self._ends: dict[str, int] = {}
        self._keys: dict[str, Key] = {}

    def adopt(self, keys: dict[str, Key]) -> None:
        """After a start: keep the folders of these pods (uid -> key), remove all others."""
        for folder in self._folder.iterdir() if self._folder and self._folder.is_dir() else ():
            if folder.name in keys:
                self._keys[folder.name] = keys[folder.name]
            else:
                shutil.rmtree(folder, ignore_errors=True)

    def run_of(self, pod: Object) -> ContainerRun | None:
        """The state of its container; None when the pod is one that is only simulated."""
        uid = pod["metadata"]["uid"]
        if uid in self._processes:
            return self._observe(uid)
        if uid in self._keys:
            return ContainerRun(started=True, exit=ContainerExit(LOST_CODE, LOST[1], LOST[0]), ends=1)
        return ContainerRun() if self._folder and self._program_of(pod) else None

    def _program_of(self, pod: Object) -> list[str] | None:
        spec = pod["spec"]
        if spec["restartPolicy"] == "Always" or len(spec["containers"]) > 1 or spec.get("initContainers"):
            return None
        command = self._programs().get(spec["containers"][0]["image"])
        return list(command) if command else None

    def start(self, key: Key, pod: Object, find: Callable[[str, str], dict[str, bytes]]) -> None:
        """Start its program, with nothing of the emulator's own environment but PATH."""
        assert self._folder is not None
        uid, container = pod["metadata"]["uid"], pod["spec"]["containers"][0]
        home = self._folder / uid
        root = home / "root"
        launch = launch_of(pod, self._program_of(pod) or [], root, find)
        _materialise(root, launch)
        self._keys[uid] = key
        with (home / "log").open("ab") as log:
            supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_SUPERVISOR), *launch.command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=root,
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(root), **launch.environment},
                start_new_session=True,
            )
        self._processes[uid] = _Process(supervisor, launch, container.get("terminationMessagePolicy") or "File")

    def _observe(self, uid: str) -> ContainerRun:
        process = self._processes[uid]
        if process.exit is None and _has_ended(process.supervisor):
            _signal(process.supervisor, signal.SIGKILL)  # what it started ends with it
            code = process.supervisor.wait()
            _close(process.supervisor)
            process.exit = ContainerExit(code if code >= 0 else 128 - code, self._message(uid, process, code))
            self._ends[uid] = self._ends.get(uid, 0) + 1
        return ContainerRun(started=True, exit=process.exit, ends=self._ends.get(uid, 0))

    def _message(self, uid: str, process: _Process, code: int) -> str:
        assert self._folder is not None
        home = self._folder / uid
        path = Path(f"{home / 'root'}{process.launch.message_path}")
        falls_back = process.policy == "FallbackToLogsOnError" and code != 0
        return termination_message(path, home / "log" if falls_back else None)

    def stop(self, uid: str, signal_number: int) -> bool:
        """Send the signal to all its processes. Does it still run?"""
        if uid not in self._processes or self._observe(uid).exit:
            return False
        _signal(self._processes[uid].supervisor, signal_number)
        return True

    def keep_only(self, key: Key, uid: str) -> None:
        """Kill and forget what ran under this name and is not the pod with this uid."""
        for other in [each for each, place in self._keys.items() if place == key and each != uid]:
            self._forget(other)

    def close(self) -> None:
        """Kill everything, as the end of the emulator does."""
        for uid in self._processes:
            self.stop(uid, signal.SIGKILL)
        for process in self._processes.values():
            process.supervisor.wait()
            _close(process.supervisor)

    def _forget(self, uid: str) -> None:
        self.stop(uid, signal.SIGKILL)
        process = self._processes.pop(uid, None)
        if process:
            process.supervisor.wait()
            _close(process.supervisor)
        self._ends.pop(uid, None)
        del self._keys[uid]
        assert self._folder is not None
        shutil.rmtree(self._folder / uid, ignore_errors=True)

    def log(self, pod: Object) -> bytes | None:
        """What the container wrote; None when it has not started for real."""
        uid = str(pod["metadata"]["uid"])
        if uid not in self._keys or self._folder is None:
            return None
        log = self._folder / uid / "log"
        return log.read_bytes() if log.is_file() else b""


def _materialise(root: Path, launch: Launch) -> None:
    """Write the mounted files. Only the owner may enter the folder: Secrets are in it."""
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in (*launch.folders, str(Path(launch.message_path).parent)):
        Path(f"{root}{path}").mkdir(parents=True, exist_ok=True)
    for path, data in launch.files.items():
        file = Path(f"{root}{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    Path(f"{root}{launch.message_path}").write_bytes(b"")


def _has_ended(supervisor: subprocess.Popen[bytes]) -> bool:
    """Without reaping it: until then its number, which is also the group's, belongs to nobody else."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return supervisor.poll() is not None
    return os.waitid(os.P_PID, supervisor.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _signal(supervisor: subprocess.Popen[bytes], signal_number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(supervisor.pid, signal_number)


def _close(supervisor: subprocess.Popen[bytes]) -> None:
    if supervisor.stdin:
        supervisor.stdin.close()


def uids_of(pods: Iterable[tuple[Key, Object]]) -> dict[str, Key]:
    """uid -> key."""
    return {pod["metadata"]["uid"]: key for key, pod in pods}
