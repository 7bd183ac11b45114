"""The emulated cluster as a part of the sandbox: starts it, checks its health and sends it requests.

It runs `sandbox.cluster` as a process and knows only its ports and files. Token, CA and state are in the sandbox's
home, readable for the owner only. Only the standard library is used, because a second `up` must be quick.
"""

import json
import ssl
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sandbox import processes
from sandbox.environment import inherited
from sandbox.layout import Layout
from sandbox.log_tail import advice, last_lines
from sandbox.ports import HOST, not_started
from sandbox.processes import Daemon, Recorder

NAME: Final = "cluster"
START_SECONDS: Final = 60.0
_NAMESPACE_DELAY_SECONDS: Final = 0.5
"""A real cluster waits 5 s before it begins to empty a deleted namespace; a laptop's need not be that slow."""
FAULTS: Final = "/emulator/faults"


@dataclass(frozen=True)
class ClusterServer:
    """The cluster of the sandbox at `layout`: its API on `port`, tenants' addresses on `ingress_port`."""

    layout: Layout
    port: int
    ingress_port: int

    @classmethod
    def of(cls, layout: Layout, ports: Mapping[str, int]) -> "ClusterServer":
        return cls(layout, ports["cluster"], ports["ingress"])

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self.layout.log_of(NAME)

    def healthy(self) -> bool:
        """It answers, at the one path that no fault affects: a fault is no reason to restart it."""
        return self.faults() is not None

    def faults(self) -> list[dict[str, Any]] | None:
        """The faults that are set in it; None when it does not respond."""
        try:
            return list(self.ask("GET", FAULTS)["faults"])
        except (OSError, ValueError):
            return None

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send one request with the cluster's token. Raises OSError (also HTTPError) when it fails."""
        request = urllib.request.Request(self.url + path, method=method)
        request.add_header("Authorization", f"Bearer {self._token()}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        with self._opener().open(request, timeout=3) as answer:
            document: dict[str, Any] = json.load(answer)
        return document

    def launch(self, record: Recorder) -> Daemon:
        """Start it without waiting, so that other parts can start meanwhile. Then call `await_ready`."""
        return processes.start(
            NAME,
            self._command(),
            environment=inherited() | {"PYTHONPATH": str(self.layout.include), "PYTHONUNBUFFERED": "1"},
            directory=self.layout.home,
            log=self.log,
            record=record,
        )

    def await_ready(self, daemon: Daemon) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.healthy():
            if not daemon.alive or time.monotonic() > deadline:
                log_end = last_lines(self.log, 3)
                message = f"The cluster did not start: {log_end} (log: {self.log}).{advice(log_end)}"
                raise not_started(message, self.port, self.ingress_port, alive=daemon.alive)
            time.sleep(0.05)

    def _command(self) -> list[str]:
        places = ["--data", str(self.layout.cluster), "--token-file", str(self.layout.cluster_token)]
        listens = ["--port", str(self.port), "--ingress-port", str(self.ingress_port)]
        delay = ["--namespace-delay", str(_NAMESPACE_DELAY_SECONDS)]
        programs = ["--programs", str(self.layout.programs)]
        return [str(self.layout.python), "-m", "sandbox.cluster", *places, *listens, *delay, *programs]

    def _token(self) -> str:
        return self.layout.cluster_token.read_text(encoding="utf-8").strip()

    def _opener(self) -> urllib.request.OpenerDirector:
        trust = ssl.create_default_context(cafile=str(self.layout.cluster / "ca.crt"))
        # Without this, a proxy from the environment would get requests for 127.0.0.1 too.
        return urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust))
