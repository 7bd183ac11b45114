"""Runs PostgreSQL, which refuses root, as `nobody` when we are root, with as few capabilities as possible.

`postgres` uses it; an ordinary user needs none of this. `nobody` cannot reach the programs of a clone below a closed
directory (/root/x); then a capability to enter closed directories is kept. Containers often lack the narrow one
(dac_read_search) and have the wide one (dac_override), so it tries none, the narrow one, the wide one.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sandbox.problems import SandboxError
from sandbox.processes import Owner

USER: Final = "nobody"
CAPABILITIES: Final = ("dac_read_search", "dac_override")


def owner_for(program: Path, directory: Path) -> Owner:
    """The user that can run `program` in `directory`. Root gives the directory to that user."""
    if os.geteuid() != 0:
        return Owner()
    user, group = _identity()
    _hand_over(directory, user, group)
    for candidate in _candidates(user, group):
        if _works(candidate, program, directory):
            return candidate
    raise SandboxError(
        f"PostgreSQL refuses to run as root, and the user {USER!r} it would run as cannot reach {program} or "
        f"{directory}; move the project to a folder that others may enter, or work as an ordinary user."
    )


def identity_arguments(directory: Path) -> tuple[int, int] | None:
    """The owner that a file in `directory` needs, if it is not us."""
    if os.geteuid() != 0:
        return None
    status = directory.stat()
    return status.st_uid, status.st_gid


def _identity() -> tuple[int, int]:
    try:
        entry = pwd.getpwnam(USER)
    except KeyError as error:
        raise SandboxError(
            f"PostgreSQL refuses to run as root and this machine has no user {USER!r} to run it as; "
            "create that user, or work as an ordinary one."
        ) from error
    return entry.pw_uid, entry.pw_gid


def _hand_over(directory: Path, user: int, group: int) -> None:
    if directory.stat().st_uid != user:
        os.chown(directory, user, group)


def _candidates(user: int, group: int) -> Iterator[Owner]:
    yield Owner(user=user, group=group)
    setpriv = shutil.which("setpriv")
    if setpriv:
        for capability in CAPABILITIES:
            yield Owner(prefix=_with_capability(setpriv, capability, user, group))


def _with_capability(setpriv: str, capability: str, user: int, group: int) -> tuple[str, ...]:
    # no_setuid_fixup: initdb calls access(2), which checks capabilities that a change of user would drop.
    return (
        setpriv,
        "--securebits=+no_setuid_fixup",
        f"--reuid={user}",
        f"--regid={group}",
        "--clear-groups",
        f"--inh-caps=-all,+{capability}",
        f"--ambient-caps=+{capability}",
        f"--bounding-set=-all,+{capability}",
    )


def _works(owner: Owner, program: Path, directory: Path) -> bool:
    # By its full path: a working directory could be inherited from root even when the way to it is closed.
    trial = 'cd "$1" && test -w "$1" && exec "$2" --version'
    command = [*owner.prefix, "/bin/sh", "-c", trial, "sh", str(directory), str(program)]
    try:
        done = subprocess.run(command, cwd="/", capture_output=True, check=False, **owner.arguments())
    except OSError:
        return False
    return done.returncode == 0
