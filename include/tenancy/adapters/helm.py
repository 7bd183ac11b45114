"""Helm's verbs, each in a child process with a hard deadline; helm_child.py explains why it is a process.

Called by the cluster adapter. The child stays in the task's process group, ends when its stdin closes, and is killed
with everything else when the task ends: no Helm process outlives its caller. Errors of Helm become errors of ours, with
secret values removed.
"""

import contextlib
import copy
import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tenancy.adapters.absence import json_object_of
from tenancy.adapters.hidden_texts import hide
from tenancy.adapters.kubernetes_errors import ErrorMeaning, classify_text
from tenancy.saga.causes import Cause
from tenancy.saga.errors import PermanentError, PlatformError, TransientError

DEADLINE_SECONDS = 60.0
UNINSTALL_SECONDS = 15.0
"""Seconds. Unwinding has less time than provisioning, because all of it must fit into a callback (engine/tenancy.py,
Timings)."""
_OVERTIME_SECONDS = 5.0
"""Seconds. After its deadline and Helm's grace period the child ends itself; this much later it is killed."""
FIELD_MANAGER = "tenancy-helm"
"""The field manager of Helm's fields. Helm 4 uses the name of its executable, which would be `python`."""
FORMER_FIELD_MANAGERS = frozenset({"python", "python3", *(f"python3.{minor}" for minor in range(11, 15))})
"""The field managers of releases that older versions of Tenancy created."""
_CHILD = Path(__file__).with_name("helm_child.py")
_HUNG = frozenset({"DeadlineExceeded", "HelmCancelledError"})

_OFFLINE = frozenset({"render", "lint"})
"""The verbs that contact no cluster."""
_BY_VALUES = frozenset({"HelmValuesError", "HelmRenderError"})

_running: set["subprocess.Popen[str]"] = set()
# Reentrant: on_kill ends children from a signal handler, which may interrupt the very code that holds it.
_running_lock = threading.RLock()


@dataclass(frozen=True)
class Release:
    """The release to install. `values` contain secrets and are never shown."""

    chart: Path
    name: str
    namespace: str
    values: Mapping[str, Any] = field(repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Values that must not appear in any message."""


class ChartRefusesValuesError(PermanentError):
    """The chart's schema or a template of it does not take the values; the chart itself could be loaded."""


class Helm:
    """Helm for one cluster. `kubeconfig` is called for each verb, because tokens change."""

    def __init__(
        self, kubeconfig: Callable[[], str], label: str, *, connection: str = "", deadline: float = DEADLINE_SECONDS
    ) -> None:
        self._kubeconfig = kubeconfig
        self._label = label
        self._connection = connection
        self._deadline = deadline

    def within(self, seconds: float) -> Self:
        """The same Helm, with at most this much time for each verb."""
        bound = copy.copy(self)
        bound._deadline = min(self._deadline, seconds)
        return bound

    def render(self, release: Release) -> dict[str, str]:
        """The manifests, offline. ChartRefusesValuesError when schema or templates do not take the values."""
        return dict(self._ask("render", release, kubeconfig=""))

    def lint(self, release: Release) -> list[str]:
        """The findings of `helm lint --strict`; offline."""
        report = self._ask("lint", release, kubeconfig="")
        return [message["error"] for message in report["messages"] if message["severity"] > 1]

    def install(self, release: Release) -> None:
        """Install without waiting for pods: another activity does that."""
        self._ask("install", release)

    def upgrade(self, release: Release) -> None:
        """Upgrade an existing release, with exactly these values."""
        self._ask("upgrade", release)

    def uninstall(self, name: str, namespace: str) -> None:
        """Uninstall it, whatever its state, if it exists."""
        self._ask("uninstall", Release(Path(), name, namespace, {}))

    def status(self, name: str, namespace: str) -> dict[str, Any]:
        """The status and the revision of the release, in Helm's terms."""
        return dict(self._ask("status", Release(Path(), name, namespace, {})))

    def _ask(self, verb: str, release: Release, kubeconfig: str | None = None) -> Any:
        deadline = min(self._deadline, UNINSTALL_SECONDS) if verb == "uninstall" else self._deadline
        request = {
            "verb": verb,
            "chart": str(release.chart),
            "name": release.name,
            "namespace": release.namespace,
            "values": release.values,
            "labels": release.labels,
            "deadline": deadline,
            "kubeconfig": self._kubeconfig() if kubeconfig is None else kubeconfig,
        }
        reply = run_child(request, deadline + _OVERTIME_SECONDS)
        if "error" in reply:
            raise self._translated(verb, release, deadline, reply)
        return reply["result"]

    def _translated(
        self, verb: str, release: Release, deadline: float, reply: Mapping[str, str]
    ) -> TransientError | PermanentError | PlatformError:
        what, secrets = f"helm {verb} of {release.name}", release.secrets
        # Secrets are hidden before the message is cut, or half of one could stay.
        name, message = reply["error"], hide(secrets, " ".join(hide(secrets, reply["message"]).split()))
        if name in _HUNG and verb in _OFFLINE:
            why = f"helm {verb} did not end within {deadline:.0f} s on this machine"
            return TransientError(f"{why}.", cause=Cause.HELM_FAILED)
        if name in _HUNG:
            # Helm retries on 429 without reporting it; only the time shows it.
            why = f"{self._label} does not respond, or puts Helm off again and again"
            return TransientError(
                f"{what} did not end within {deadline:.0f} s: {why}.", cause=Cause.CLUSTER_UNREACHABLE
            )
        judgement = _classify(name, message)
        words = f"{judgement.sentence}: {message[:800]}" if judgement.sentence else message[:800]
        if verb in _OFFLINE:
            failure = ChartRefusesValuesError if name in _BY_VALUES else judgement.error
            return failure(f"helm {verb} failed: {words}", cause=judgement.cause)
        error = judgement.error(f"{what} in {self._label} failed: {words}", cause=judgement.cause)
        return error.naming(self._connection) if isinstance(error, PlatformError) else error


_OWN_WORDS = frozenset({"HelmValuesError", "HelmRenderError", "HelmChartLoadError", "HelmChartInvalidError"})
"""Errors that Helm raises before it contacts a cluster. Nothing in them comes from an API server."""


def _classify(name: str, message: str) -> ErrorMeaning:
    """Judged by the class of Helm's error if that is enough, else by the API server's text in its message."""
    if name == "ChildDied" and "ModuleNotFoundError" in message:
        return ErrorMeaning(PlatformError, Cause.PLATFORM_VERSION, "this worker has no Helm: install helm-python-sdk")
    if name == "ChildDied":
        return ErrorMeaning(TransientError, Cause.HELM_FAILED)
    if name in _OWN_WORDS:
        return ErrorMeaning(PermanentError, Cause.HELM_FAILED)
    judgement = classify_text(message)
    if judgement.cause is Cause.CLUSTER_REFUSES:
        return ErrorMeaning(judgement.error, Cause.HELM_FAILED, judgement.sentence)
    return judgement


def digest(chart: Path, values: Mapping[str, Any]) -> str:
    """A digest of chart and values, short enough for a label. It reveals no value."""
    made_from = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for file in sorted(path for path in chart.rglob("*") if path.is_file()):
        made_from.update(file.read_bytes())
    return made_from.hexdigest()[:40]


def kill_children() -> None:
    """Kill every Helm process that this process started: the task must end now."""
    with _running_lock:
        for child in _running:
            child.kill()


def run_child(request: Mapping[str, Any], seconds: float) -> dict[str, str]:
    """The child's reply. Its stdin stays open meanwhile, and the child has ended afterwards in every case."""
    with _child() as child:
        stdin, child.stdin = child.stdin, None  # communicate() would close it
        assert stdin is not None
        with stdin:
            try:
                stdin.write(json.dumps(request) + "\n")
                stdin.flush()
                out, err = child.communicate(timeout=seconds + 3.0)
            except subprocess.TimeoutExpired:
                return {"error": "DeadlineExceeded", "message": ""}
            except BrokenPipeError:
                out, err = child.communicate()
    return json_object_of(out) or {"error": "ChildDied", "message": _death(child.returncode, err or out)}


def _death(code: int, output: str) -> str:
    return f"the process ended with {code}: {output[-300:]}"


@contextlib.contextmanager
def _child() -> Any:
    # -P: the folder of adapters must not be where the child imports from.
    command = [_executable_name(), "-P", str(_CHILD)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, executable=sys.executable, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as child:
        with _running_lock:
            _running.add(child)
        try:
            yield child
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            with _running_lock:
                _running.discard(child)


def _executable_name() -> str:
    """The name of the child's executable, from which Helm derives its field manager (Helm 4.2.3, pkg/kube).

    In Python's own folder, because Python finds its environment from there. No file of this name needs to exist.
    """
    here = Path(sys.executable)
    in_environment = sys.prefix != sys.base_prefix
    return str((here if in_environment else here.resolve()).with_name(FIELD_MANAGER))
