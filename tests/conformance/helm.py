"""Helm in a child process: one call, one child, its answer as JSON.

A child because the Go library hangs after a fork and a native call cannot be interrupted; here also because one check
kills it in the middle.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CHILD = """
import json, sys
import helm_python
asked = json.load(sys.stdin)
try:
    with helm_python.Config(kubeconfig_path=asked["kubeconfig"], namespace=asked["namespace"]) as config:
        answer = {"result": getattr(config, asked["verb"])(*asked["arguments"], **asked["options"])}
except helm_python.HelmError as error:
    answer = {"error": type(error).__name__, "message": str(error)}
json.dump(answer, sys.stdout)
"""


class HelmError(Exception):
    """What Helm reported, with the class of its error in front."""


@dataclass(frozen=True)
class HelmCommand:
    kubeconfig: Path
    namespace: str

    def start(self, verb: str, *arguments: Any, **options: Any) -> "subprocess.Popen[str]":
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        asked = {"kubeconfig": str(self.kubeconfig), "namespace": self.namespace, "verb": verb}
        assert child.stdin
        json.dump(
            {**asked, "arguments": [str(a) if isinstance(a, Path) else a for a in arguments]} | {"options": options},
            child.stdin,
        )
        child.stdin.close()
        child.stdin = None
        return child

    def __call__(self, verb: str, *arguments: Any, **options: Any) -> Any:
        with self.start(verb, *arguments, **options) as child:
            out, _ = child.communicate(timeout=60)
        answer = json.loads(out)
        if "error" in answer:
            raise HelmError(f"{answer['error']}: {answer['message']}")
        return answer["result"]
