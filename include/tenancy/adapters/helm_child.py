"""Runs one verb of Helm in a process of its own and returns JSON. Started by helm.py; imports nothing of ours.

It is a process because the Go library hangs after a fork, cannot be interrupted in a native call, and once waited 8 s
instead of 3 s (helm-python-sdk 0.2.2). It ends by itself at its deadline, and when its stdin closes, that is, when its
parent process has died.
"""

import contextlib
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import helm_python

_GRACE_SECONDS = 3.0
"""Seconds for Helm to record a cancelled release as failed. Then the process ends, whatever Helm does."""

Request = dict[str, Any]


def install(config: helm_python.Config, request: Request, context: helm_python.HelmContext) -> Any:
    config.install(request["chart"], request["name"], request["values"], context=context, labels=request["labels"])


def upgrade(config: helm_python.Config, request: Request, context: helm_python.HelmContext) -> Any:
    # reset_values: the chart's values and ours, and none of an older revision.
    _take_fields_back()
    config.upgrade(
        request["chart"],
        request["name"],
        request["values"],
        context=context,
        labels=request["labels"],
        reset_values=True,
        max_history=5,
    )


def _take_fields_back() -> None:
    """Force conflicts. Helm 4 applies on the server, where an edited field belongs to its editor ("conflict"); a repair
    takes it back.

    helm-python-sdk 0.2.2 has the option in its library but not in `upgrade`'s signature
    (tests/contract/test_plan_contract.py repairs a damaged release).
    """
    options = helm_python.config._opts
    helm_python.config._opts = lambda **given: options(force_conflicts=True, **given)


def uninstall(config: helm_python.Config, request: Request, _context: helm_python.HelmContext) -> Any:
    # Not `ignore_not_found`: then Helm 4.2.3 ignores every error of its search for the release, a 502 too.
    with contextlib.suppress(helm_python.HelmNotFoundError):
        config.uninstall(request["name"])


def status(config: helm_python.Config, request: Request, _context: helm_python.HelmContext) -> Any:
    release = config.status(request["name"])
    return {"status": release["info"]["status"], "revision": release["version"]}


_VERBS: dict[str, Callable[[helm_python.Config, Request, helm_python.HelmContext], Any]] = {
    "install": install,
    "upgrade": upgrade,
    "uninstall": uninstall,
    "status": status,
}


def render(request: Request) -> dict[str, str]:
    """Offline: the schema check, then the manifests by template."""
    with helm_python.Chart.load(request["chart"]) as chart:
        chart.validate_schema(chart.merge_values(request["values"]))
        manifests: dict[str, str] = chart.render(
            request["values"], name=request["name"], namespace=request["namespace"]
        )
        return manifests


def lint(request: Request) -> dict[str, Any]:
    """What `helm lint --strict` finds."""
    found: dict[str, Any] = helm_python.lint(
        request["chart"], request["values"], strict=True, namespace=request["namespace"]
    )
    return found


def pull(request: Request) -> None:
    """A chart from an OCI registry, unpacked into the folder `chart`. Without a user as Helm is logged in here."""
    new = Path(request["folder"])
    for name in ("archive", "chart"):
        (new / name).mkdir()
    plain_http = request["plain_http"]
    login = new / "login.json" if request["user"] else None
    with helm_python.RegistryClient(plain_http=plain_http, credentials_file=login) as client:
        if login:
            client.login(request["host"], request["user"], request["password"], plain_http=plain_http)
            login.unlink(missing_ok=True)  # the client keeps it in memory (helm-python-sdk 0.2.2)
        client.pull(
            request["reference"],
            destination=new / "archive",
            untar=True,
            untar_dir=new / "chart",
            plain_http=plain_http,
        )


_OFFLINE: dict[str, Callable[[Request], Any]] = {"render": render, "lint": lint, "pull": pull}


def _do(request: Request, context: helm_python.HelmContext) -> Any:
    if request["verb"] in _OFFLINE:
        return _OFFLINE[request["verb"]](request)
    with _private_file(request["kubeconfig"]) as file, _config(file, request["namespace"]) as config:
        return _VERBS[request["verb"]](config, request, context)


def _config(file: str, namespace: str) -> helm_python.Config:
    return helm_python.Config(kubeconfig_path=file, namespace=namespace)


@contextlib.contextmanager
def _private_file(text: str) -> Any:
    """A path to the kubeconfig, because Helm accepts nothing else. It has no name in any folder, so kill -9 leaves
    nothing behind."""
    if not hasattr(os, "memfd_create"):
        with _named_file(text) as path:
            yield path
        return
    with os.fdopen(os.memfd_create("kubeconfig"), "w") as file:
        file.write(text)
        file.flush()
        yield f"/proc/self/fd/{file.fileno()}"


_named: list[Path] = []


@contextlib.contextmanager
def _named_file(text: str) -> Any:
    """For systems without memfd, such as macOS. The file is removed with the process, except after kill -9."""
    handle, name = tempfile.mkstemp(prefix="tenancy-helm-")
    _named.append(Path(name))
    with os.fdopen(handle, "w") as file:
        file.write(text)
    try:
        yield name
    finally:
        Path(name).unlink(missing_ok=True)


def _end(answer: dict[str, Any]) -> None:
    """End the process. There is no other way, because Go's threads do not end by themselves."""
    for file in _named:
        file.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        sys.stdout.write(json.dumps(answer))
        sys.stdout.flush()
    os._exit(0)


def _end_with_parent() -> None:
    sys.stdin.read()
    _end({"error": "ParentDied", "message": "the parent process ended"})


def _work(request: Request, context: helm_python.HelmContext) -> None:
    try:
        _end({"result": _do(request, context)})
    except helm_python.HelmError as error:
        _end({"error": type(error).__name__, "message": str(error)})
    except Exception as error:  # noqa: BLE001 - the parent judges it
        _end({"error": type(error).__name__, "message": str(error)})


def main() -> None:
    """One line of JSON from stdin is the request; stdin stays open as long as the parent waits for the reply."""
    request = json.loads(sys.stdin.readline())
    context = helm_python.HelmContext()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    worker = threading.Thread(target=_work, args=(request, context), daemon=True)
    worker.start()
    worker.join(request["deadline"])
    context.cancel()
    worker.join(_GRACE_SECONDS)
    _end({"error": "DeadlineExceeded", "message": f"no end within {request['deadline']:.0f} s"})


if __name__ == "__main__":
    main()
