"""kubectl as a user runs it: arguments in, text or JSON out."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kubectl:
    program: str
    kubeconfig: Path
    namespace: str

    def run(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        # Discovery is cached beside the kubeconfig: kubectl asks for it at every start otherwise.
        common = ["--kubeconfig", str(self.kubeconfig), "--cache-dir", str(self.kubeconfig.parent / "cache")]
        command = [self.program, *common, "-n", self.namespace, *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)

    def __call__(self, *arguments: str, manifest: Any = None) -> str:
        done = self.run(*arguments, stdin=json.dumps(manifest) if manifest else "")
        assert done.returncode == 0, done.stderr
        return done.stdout
