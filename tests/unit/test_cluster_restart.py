"""The process itself: killed at any moment it loses nothing it had answered for."""

import json
import signal
import ssl
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.server import EmulatorProcess, Server

MAPS = "/api/v1/namespaces/default/configmaps"


def call(server: Server, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(
        server.url + path,
        json.dumps(body).encode() if body else None,
        {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"},
        method=method,
    )
    context = ssl.create_default_context(cafile=server.ca_file)
    with urllib.request.urlopen(request, timeout=5, context=context) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    emulator = EmulatorProcess(tmp_path)
    server = emulator.start()
    acknowledged: list[str] = []

    def write_until_cut() -> None:
        try:
            for number in range(100_000):
                made = call(server, "POST", MAPS, {"metadata": {"name": f"a-{number}"}})
                acknowledged.append(made["metadata"]["name"] + "@" + made["metadata"]["resourceVersion"])
        except (OSError, urllib.error.URLError, ValueError):
            return

    writer = threading.Thread(target=write_until_cut)
    writer.start()
    deadline = time.monotonic() + 30
    while len(acknowledged) <= 10 and time.monotonic() < deadline:  # a busy machine needs longer for that
        time.sleep(0.05)
    emulator.stop(signal.SIGKILL)
    writer.join(10)
    try:
        again = emulator.start()
        listed = call(again, "GET", MAPS)
        there = {i["metadata"]["name"] + "@" + i["metadata"]["resourceVersion"] for i in listed["items"]}
        assert len(acknowledged) > 10
        assert set(acknowledged) <= there
        newer = call(again, "POST", MAPS, {"metadata": {"name": "after"}})
        highest = max(int(entry.rpartition("@")[2]) for entry in there)
        assert int(newer["metadata"]["resourceVersion"]) > highest
    finally:
        emulator.stop()


def test_clients_keep_their_kubeconfig_over_restarts(tmp_path: Path) -> None:
    emulator = EmulatorProcess(tmp_path)
    try:
        first = emulator.start()
        before = (tmp_path / "kubeconfig").read_text()
        emulator.stop()
        assert emulator.start() == first
        assert (tmp_path / "kubeconfig").read_text() == before
        assert (tmp_path / "kubeconfig").stat().st_mode & 0o077 == 0
    finally:
        emulator.stop()


def test_without_its_token_nobody_is_served(tmp_path: Path) -> None:
    emulator = EmulatorProcess(tmp_path)
    try:
        server = emulator.start()
        with pytest.raises(urllib.error.HTTPError) as refused:
            call(Server(server.url, "", server.ca_file), "GET", MAPS)
        with refused.value as answer:
            assert answer.code == 401
    finally:
        emulator.stop()
