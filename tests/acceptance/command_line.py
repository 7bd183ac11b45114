"""Runs `tenantctl` as an operator does: as a process, with no flags but the command's."""

import json
import os
import subprocess
import sys
import tempfile

from sandbox.access import Access

WHY = ["--reason", "acceptance test", "--yes"]


class Operator:
    """Runs tenantctl, which finds the sandbox by its home alone."""

    def __init__(self, access: Access) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("TENANCY_")}
        home = str(access.layout.home)
        # Its first command logs in, whoever ran tenantctl before.
        state = tempfile.mkdtemp(prefix="tenantctl-state-")
        places = {"TENANCY_SANDBOX_HOME": home, "PYTHONPATH": str(access.layout.include), "XDG_STATE_HOME": state}
        self._environ = {**own, **places}

    def __call__(self, *words: str, timeout: float = 150) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "tenantctl", *words],
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """The same without waiting for its end."""
        return subprocess.Popen(
            [sys.executable, "-P", "-u", "-m", "tenantctl", *words],
            env=self._environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> str:
        """What it prints. It must succeed."""
        ended = self(*words)
        assert ended.returncode == 0, f"tenantctl {' '.join(words)}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def json(self, *words: str) -> dict[str, object]:
        return dict(json.loads(self.run(*words, "--json")))

    def create(self, slug: str) -> None:
        request = ["--name", "Acme", "--plan", "starter", "--region", "eu-central", "--admin-email", "a@acme.example"]
        self.run("create", slug, *request)
