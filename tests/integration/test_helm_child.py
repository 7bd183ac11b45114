"""Helm's child process ends: at its deadline, with its parent, with its task; and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from tenancy.adapters import helm
from tenancy.adapters.helm import Helm, Release, kill_children
from tenancy.saga.errors import TransientError
from tests.conformance.server import Server, eventually
from tests.helm_children import helm_children
from tests.products import CHART


class Hanging:
    """A server that takes every connection and never answers."""

    def __init__(self, door: socket.socket) -> None:
        self._door = door
        self._taken: list[socket.socket] = []
        self.kubeconfig = Server(f"http://127.0.0.1:{door.getsockname()[1]}", "token").kubeconfig()

    def await_helm(self) -> None:
        """Returns once Helm has connected: it has read its kubeconfig."""
        self._taken.append(self._door.accept()[0])

    def close(self) -> None:
        for connection in self._taken:
            connection.close()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(30)
        with closing(Hanging(door)) as server:
            yield server


@pytest.fixture(autouse=True)
def _nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    yield
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_never_answers_costs_the_deadline_of_the_verb_and_no_more(
    hanging: Hanging, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(helm, "UNINSTALL_SECONDS", 1.0)
    began = time.monotonic()
    with pytest.raises(TransientError, match=r"did not end within 1 s: the cluster of region eu does not respond"):
        Helm(lambda: hanging.kubeconfig, "the cluster of region eu").uninstall("acme", "acme")
    assert time.monotonic() - began < 7
    assert helm_children() == []


def _kill_helm() -> None:
    """As the kernel does when memory runs out."""
    for child in helm_children():
        child.kill()


@pytest.mark.parametrize("end", [kill_children, _kill_helm])
def test_a_helm_process_that_is_killed_leaves_nothing(hanging: Hanging, end: Callable[[], None]):
    def ask() -> None:
        with suppress(TransientError):
            Helm(lambda: hanging.kubeconfig, "the cluster", deadline=30.0).status("acme", "acme")

    asking = threading.Thread(target=ask)
    asking.start()
    hanging.await_helm()
    end()
    asking.join(10)
    assert not asking.is_alive()
    assert helm_children() == []


_PARENT = """
import sys
from tenancy.adapters import helm
from tenancy.adapters.helm import Helm
Helm(lambda: sys.argv[1], "the cluster", deadline=60.0).status("acme", "acme")
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_helm_ends_with_the_process_that_wanted_it(hanging: Hanging, how: signal.Signals):
    with subprocess.Popen([sys.executable, "-c", _PARENT, hanging.kubeconfig], env={**os.environ}) as parent:
        child = eventually(lambda: psutil.Process(parent.pid).children())[0]
        hanging.await_helm()
        assert os.getpgid(child.pid) == os.getpgid(parent.pid)
        parent.send_signal(how)
        parent.wait(10)
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 5)


def test_a_missing_server_is_tried_again_and_no_secret_is_reported():
    nowhere = Server("http://127.0.0.1:9", "token").kubeconfig()
    release = Release(CHART, "acme", "acme", {}, secrets=("127.0.0.1",))
    with pytest.raises(TransientError, match="helm install of acme in the cluster of region eu failed") as raised:
        Helm(lambda: nowhere, "the cluster of region eu").install(release)
    assert "127.0.0.1" not in str(raised.value)
