"""A server under test: its address and token, and the cluster emulator as one that can be started and killed."""

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

INCLUDE = Path(__file__).parents[2] / "include"
Found = TypeVar("Found")


@dataclass(frozen=True)
class Server:
    url: str
    token: str
    ca_file: str = ""

    def kubeconfig(self) -> str:
        trust: dict[str, Any] = {"certificate-authority": self.ca_file} if self.ca_file else {}
        cluster = {"server": self.url, **(trust or {"insecure-skip-tls-verify": True})}
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": cluster}],
                "users": [{"name": "u", "user": {"token": self.token}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )

    def get(self, path: str) -> str:
        """What stands at a path that no generated client has a call for."""
        context = ssl.create_default_context(cafile=self.ca_file or None)
        if not self.ca_file:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            return str(answer.read().decode())


@dataclass
class EmulatorProcess:
    """One emulator process on a folder; may be killed and started again on the same port."""

    folder: Path
    options: tuple[str, ...] = ()
    port: int = 0
    process: "subprocess.Popen[str] | None" = field(default=None, repr=False)
    server: Server = field(default_factory=lambda: Server("", ""))
    ingress_port: int = 0

    def start(self) -> Server:
        token_file = self.folder / "token"
        command = [sys.executable, "-m", "cluster_emulator", "--data", str(self.folder), "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--token-file", str(token_file), *self.options],
            env={**os.environ, "PYTHONPATH": str(INCLUDE)},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        words = self.process.stdout.readline().split()
        assert words[:1] == ["cluster"], f"the cluster emulator did not start: {words}"
        self.port = int(words[1].rpartition(":")[2])
        self.ingress_port = int(words[3]) if len(words) > 3 else 0
        self.server = Server(words[1], token_file.read_text(), str(self.folder / "ca.crt"))
        return self.server

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process:
            self.process.send_signal(how)
            self.process.wait(10)
            assert self.process.stdout
            self.process.stdout.close()
            self.process = None


@contextlib.contextmanager
def start_emulator(folder: Path) -> Iterator[Server]:
    emulator = EmulatorProcess(folder, ("--namespace-delay", "0.5"))  # a real cluster's is 5 s
    try:
        yield emulator.start()
    finally:
        emulator.stop()


def eventually(look: Callable[[], Found], seconds: float = 30.0) -> Found:
    """What `look` finds once it finds something true."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"still not so after {seconds} s"
        time.sleep(0.05)
    return found
