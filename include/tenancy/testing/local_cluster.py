"""Stands for a region's cluster when a container activity is tested: each Job of it is a local program.

The program is called as in the sandbox: the verb as its argument, files where the environment says, and nothing else of
this process's environment but PATH. It is in this process's group, so that kill_checks.py kills both.
"""

import os
import shutil
import subprocess
import sys
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from tenancy.activities.activity import Activity
from tenancy.activities.container_activity import container_activity
from tenancy.adapters.job_documents import MESSAGE_PATH, JobSpec
from tenancy.adapters.job_outcome import JobEnd
from tenancy.adapters.jobs import LOG_LINES
from tenancy.adapters.pod_reasons import PodReason
from tenancy.adapters.product_file import load_containers
from tenancy.saga.errors import Refused
from tenancy.saga.names import ActivityName

_MESSAGE_BYTES: Final = 4096
_PYTHON: Final = frozenset({"python", "python3"})


def activity_in(product: Path, name: str) -> Activity:
    """The container activity of this name in a product's folder. Refused when it has none; ProductFileError."""
    specs = {spec.name: spec for spec in load_containers(product)}
    found = specs.get(ActivityName(name))
    if found is None:
        raise Refused(f"{product} has no container activity {name} (there are: {', '.join(specs) or 'none'}).")
    return container_activity(found)


@dataclass(frozen=True)
class LocalJobs:
    """Runs Jobs one by one. What runs is not there for others: a program ends with the process that called it."""

    program: Sequence[str]
    folder: Path

    def run(self, spec: JobSpec, *, fence: Callable[[], None], patience: float) -> JobEnd:
        """Run it to its end, or until its time is up."""
        fence()
        return self._call(spec, min(spec.seconds, patience), LOG_LINES)

    def run_once(self, spec: JobSpec, *, patience: float) -> JobEnd:
        """The same, with the whole log and without a fence: it only reads."""
        return self._call(spec, min(spec.seconds, patience), None)

    def abort(self, namespace: str, name: str, *, proof: str, fence: Callable[[], None]) -> None:
        """There is nothing to end."""

    def is_running(self, namespace: str, name: str, *, proof: str) -> bool:  # noqa: ARG002
        return False

    def why_waiting(self, namespace: str, name: str) -> PodReason:  # noqa: ARG002
        return PodReason("")

    def _call(self, spec: JobSpec, seconds: float, lines: int | None) -> JobEnd:
        root = Path(mkdtemp(dir=self.folder))
        _write_files(spec, root)
        with (root / "log").open("wb") as log:
            process = subprocess.Popen(
                [*_found(self.program), *spec.command, *spec.arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=root,
                env=_environment(spec, root),
            )
        code = _code(process, seconds)
        whole = (root / "log").read_text(errors="replace").splitlines(keepends=True)
        log_text = "".join(whole if lines is None else whole[-lines:])
        message = Path(f"{root}{MESSAGE_PATH}").read_bytes()[-_MESSAGE_BYTES:].decode(errors="replace")
        return JobEnd(code == 0, code, message, log_text, overdue=code is None, hidden=spec.hidden)


class LocalCluster:
    """`program`: the command that stands for the image, such as `["python", "mailbox.py"]`.

    Its Jobs' folder goes with it, whatever becomes of the processes in which they run.
    """

    location: Final = "this machine"

    def __init__(self, program: Sequence[str]) -> None:
        folder = Path(mkdtemp(prefix="tenancy-jobs-"))
        self.jobs = LocalJobs(program, folder)
        weakref.finalize(self.jobs, shutil.rmtree, folder, ignore_errors=True)

    def identity(self) -> str:
        """Always the same."""
        return "local:programs"

    def expecting(self, expected: Any, *, seconds: float | None = None) -> "LocalCluster":  # noqa: ARG002
        return self


def _found(program: Sequence[str]) -> list[str]:
    """With absolute paths, because a program has a folder of its own. `python` is this process's interpreter."""
    first = sys.executable if program[0] in _PYTHON else program[0]
    # Not resolved: the interpreter of a virtual environment is a link, and would lose its packages.
    return [str(Path(word).absolute()) if Path(word).is_file() else word for word in (first, *program[1:])]


def _write_files(spec: JobSpec, root: Path) -> None:
    for path, text in spec.mounted.values():
        file = Path(f"{root}{spec.folder}") / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    message = Path(f"{root}{MESSAGE_PATH}")
    message.parent.mkdir(parents=True)
    message.touch()


def _environment(spec: JobSpec, root: Path) -> dict[str, str]:
    """Its variables. A path that a container would have is below the root here."""

    def placed(text: str) -> str:
        return f"{root}{text}" if text == MESSAGE_PATH or text.startswith(f"{spec.folder}/") else text

    own = {name: placed(text) for name, text in spec.environment.items()}
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(root), "HOSTNAME": spec.name, **own}


def _code(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Its exit code, as a shell has it; None if its time was up. Only the program is killed then, not what it
    started."""
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
    return code if code >= 0 else 128 - code
