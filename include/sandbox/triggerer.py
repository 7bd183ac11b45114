"""Measures the sandbox's triggerer from outside: memory, processor time, and when a wait in it ended.

Used by `bench.waiting` and by acceptance tests; it changes nothing.
"""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Final

import psutil

from sandbox import processes
from sandbox.access import Access
from sandbox.layout import Layout
from sandbox.processes import Register

WAIT: Final = "wait_for_workloads_ready"
_SAGA: Final = "tenant_provisioning"


def megabytes(layout: Layout) -> float:
    """Proportional set size (PSS) of all its processes: shared memory counts in proportion."""
    return float(sum(process.memory_full_info().pss for process in _processes(layout)) / 2**20)


def busy_seconds(layout: Layout, during: float) -> float:
    """Processor time it takes in the next `during` seconds."""
    before = _processor_seconds(layout)
    time.sleep(during)
    return _processor_seconds(layout) - before


def wait_ended_at(access: Access, run_id: str) -> Iterator[datetime]:
    """When the wait of this run ended, by the trigger's log; nothing while it still waits."""
    folder = access.layout.logs / "tasks" / f"dag_id={_SAGA}" / f"run_id={run_id}" / f"task_id={WAIT}"
    for file in folder.glob("*.trigger.*"):
        for line in file.read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, KeyError):  # its last line may be half written
                entry = json.loads(line)
                if entry["event"] == "trigger completed":
                    yield datetime.fromisoformat(entry["timestamp"])


def _processes(layout: Layout) -> list[psutil.Process]:
    daemon = Register(layout.processes).get("triggerer")
    assert daemon is not None
    return [psutil.Process(pid) for pid in processes.members(daemon)]


def _processor_seconds(layout: Layout) -> float:
    return float(sum(sum(process.cpu_times()[:2]) for process in _processes(layout)))
