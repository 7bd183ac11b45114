"""Helm's child process ends: at its deadline, with its parent, with its task; and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tenancy.activities.deploy_workloads import CHART
from tenancy.adapters.helm import Helm, Release, end_children
from tenancy.saga.errors import TransientError
from tests.conformance.server import Server, eventually


@pytest.fixture
def hanging() -> Iterator[str]:
    """A kubeconfig to a server that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = Server(f"http://127.0.0.1:{door.getsockname()[1]}", "token")
        yield server.kubeconfig()


def _children() -> list[psutil.Process]:
    # Zombies too are among the children of a long test run, and have no command line.
    every = psutil.Process().children(recursive=True)
    alive = [child for child in every if child.status() != psutil.STATUS_ZOMBIE]
    return [child for child in alive if "helm_child" in " ".join(child.cmdline())]


def _files() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("tenancy-helm-*"))


def test_a_server_that_never_answers_costs_the_deadline_and_no_more(hanging: str):
    helm, began, files = Helm(lambda: hanging, "the cluster of region eu", deadline=1.0), time.monotonic(), _files()
    with pytest.raises(TransientError, match=r"did not end within 1 s: the cluster of region eu does not answer"):
        helm.status("acme", "acme")
    assert time.monotonic() - began < 7
    assert _children() == []
    assert _files() == files


def test_ending_a_task_ends_its_helm_at_once(hanging: str):
    helm = Helm(lambda: hanging, "the cluster", deadline=30.0)
    killer = threading.Timer(1.0, end_children)
    killer.start()
    with pytest.raises(TransientError):
        helm.status("acme", "acme")
    assert _children() == []


_PARENT = """
import sys
from tenancy.adapters.helm import Helm
Helm(lambda: sys.argv[1], "the cluster", deadline=60.0).status("acme", "acme")
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_helm_ends_with_the_process_that_wanted_it(hanging: str, how: signal.Signals):
    files = _files()
    with subprocess.Popen([sys.executable, "-c", _PARENT, hanging], env={**os.environ}) as parent:
        child = eventually(lambda: psutil.Process(parent.pid).children())[0]
        eventually(lambda: _files() - files)
        assert os.getpgid(child.pid) == os.getpgid(parent.pid)
        parent.send_signal(how)
        parent.wait(10)
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 5)
    assert _files() == files


def test_a_server_that_is_not_there_is_worth_another_try_and_no_secret_is_told():
    nowhere = Server("http://127.0.0.1:9", "token").kubeconfig()
    release = Release(CHART, "acme", "acme", {}, secrets=("127.0.0.1",))
    with pytest.raises(TransientError, match="helm install of acme in the cluster of region eu failed") as told:
        Helm(lambda: nowhere, "the cluster of region eu").install(release)
    assert "127.0.0.1" not in str(told.value)
