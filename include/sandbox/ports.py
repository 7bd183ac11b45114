"""Which loopback port each part listens on.

A part gets its last port if that is free, else its default, else any free one. `lifecycle` chooses once at each `up`
and records the result; a running part keeps its port. Ports are opened here only for the moment of the check.
"""

import os
import socket
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from sandbox import json_files
from sandbox.problems import PortTakenError, SandboxError

HOST: Final = "127.0.0.1"
HOSTNAME_VARIABLE: Final = "TENANCY_SANDBOX_HOSTNAME"
USUAL: Final[Mapping[str, int]] = {
    "api": 8080,
    "platform": 55432,
    "storage": 55433,
    "cluster": 56443,
    "ingress": 8081,
    "broker": 56379,
}
"""Airflow's log servers have no port here: they would listen on every interface, see `components`."""


def loopback_host() -> str:
    """Airflow's `[core] hostname_callable`: no name service is used, and nothing is reachable from outside.

    Where there are two processes of a kind, each has a name of its own, which is never used as an address.
    """
    return os.environ.get(HOSTNAME_VARIABLE) or HOST


def is_free(port: int) -> bool:
    """Whether nobody listens on it and we can bind it: on macOS a bind succeeds although a wildcard listener exists."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        if probe.connect_ex((HOST, port)) == 0:
            return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def not_started(message: str, *ports: int, alive: bool) -> SandboxError:
    """The error for a part that did not start: PortTakenError if it ended and another program uses its port."""
    taken = not alive and not all(is_free(port) for port in ports)
    return PortTakenError(message) if taken else SandboxError(message)


def any_free(excluded: Collection[int] = ()) -> int:
    while True:
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port: int = probe.getsockname()[1]
        if port not in excluded:
            return port


def choose(
    recorded: Mapping[str, int], *, running: Collection[str] = (), usual: Mapping[str, int] = USUAL
) -> dict[str, int]:
    """A port for every name in `usual`; those in `running` keep the recorded one."""
    chosen = {name: recorded[name] for name in running if name in recorded}
    for name, usual_port in usual.items():
        if name not in chosen:
            candidates = [recorded.get(name, usual_port), usual_port]
            chosen[name] = _first_free(candidates, taken=chosen.values())
    return chosen


def _first_free(candidates: list[int], *, taken: Collection[int]) -> int:
    for port in candidates:
        if port and port not in taken and is_free(port):
            return port
    return any_free(excluded=taken)


def recorded(path: Path) -> dict[str, int]:
    return {str(name): int(port) for name, port in json_files.read(path).items()}
