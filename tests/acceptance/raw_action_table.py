"""Tenants for the table of Airflow's own buttons: one per cell, all created and acted on in parallel."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import psycopg

from sandbox.access import Access
from sandbox.faults.client import FaultClient
from tenancy.saga.names import lock_key
from tests.acceptance import operators, runs

WAIT, HANDLE = "wait_for_workloads_ready", "allocate_workflow_handle"
_AT_ONCE = 4


@dataclass(frozen=True)
class RawActionCell:
    """One tenant in one state, and an action on its run in Airflow."""

    action: str
    column: str
    slug: str
    run_id: str
    """The run that is touched."""
    generation: int
    attempt: int
    answered: int
    """The status of Airflow's own answer."""


class RawActionTable:
    """Brings tenants to their states, performs the actions, then lets all continue."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.fault_client = FaultClient(access.layout)
        self.held = ExitStack()
        self.faults: dict[str, str] = {}

    def play(self, cells: list[tuple[str, str]]) -> dict[tuple[str, str], RawActionCell]:
        """Play these (action, column) pairs, each with a tenant of its own."""
        slugs = {cell: runs.new_slug("raw") for cell in cells}
        # Those that must be caught on their way are started last.
        columns = ("Active", "settled", "ready", "old run", "unwinding", "Provisioning")
        for column in columns:
            self._side_by_side(self._start, column, [slugs[cell] for cell in cells if cell[1] == column])
        for column in columns:
            self._side_by_side(self._bring_to_state, column, [slugs[cell] for cell in cells if cell[1] == column])
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            played = pool.map(lambda cell: self._apply_action(cell[0], cell[1], slugs[cell]), cells)
            done = {(cell.action, cell.column): cell for cell in played}
        self._see_answers(done)
        self.held.close()
        return done

    def close(self) -> None:
        self.held.close()
        for fault in self.faults.values():
            self.fault_client.clear(fault)

    def _side_by_side(self, work: Callable[[str, str], None], column: str, slugs: list[str]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(lambda slug: work(column, slug), slugs))

    def _start(self, column: str, slug: str) -> None:
        if column != "Active":
            self.faults[slug] = self.fault_client.set("slow-start", tenant=slug, seconds=600).id
        runs.trigger(self.access, runs.request(slug))

    def _bring_to_state(self, column: str, slug: str) -> None:
        """Bring the tenant from the start of its run to the state."""
        if column == "Active":
            runs.wait_until(lambda: runs.phase(self.access, slug) == "Active", f"{slug} to be Active", seconds=240)
            return
        self._await_wait(slug)
        if column == "unwinding":
            self._hold_lock(slug)
        if column != "Provisioning":
            operators.perform(self.access, slug, "cancel")
        if column in {"settled", "ready", "old run"}:
            self._await(slug, "Failed settled")
        if column in {"ready", "old run"}:
            operators.perform(self.access, slug, "reset")
        if column == "old run":
            operators.perform(self.access, slug, "retry")
            self._await_wait(slug)

    def _await(self, slug: str, phase: str) -> None:
        runs.wait_until(lambda: runs.phase(self.access, slug) == phase, f"{slug} to be {phase}", seconds=240)

    def _await_wait(self, slug: str) -> None:
        runs.wait_until(
            lambda: runs.is_waiting_for_pods(self.access, slug), f"{slug} to wait for its pods", seconds=240
        )

    def _hold_lock(self, slug: str) -> None:
        """Unwinding waits until the table releases this lock: its holder looks like a later unwinder."""
        connection = psycopg.connect(
            self.access.ledger_dsn, autocommit=True, application_name="tenancy unwind 999 test"
        )
        self.held.callback(connection.close)
        row = runs.tenant(self.access, slug)
        assert row is not None
        connection.execute("select pg_advisory_lock(%s)", (lock_key(row["id"]),))

    def _apply_action(self, action: str, column: str, slug: str) -> RawActionCell:
        row = runs.tenant(self.access, slug)
        assert row is not None
        run_id = runs.first_run(self.access, slug)
        if action in {"clear the whole run", "clear some tasks", "trigger again"} and column != "unwinding":
            self._let_pods_start(slug)
        with self.access.client("engineer" if action == "delete the run" else "operator") as client:
            answered = _send(client, action, run_id, slug)
        if column in {"Provisioning", "old run"}:
            self._let_pods_start(slug)
        return RawActionCell(action, column, slug, run_id, row["generation"], row["attempt"], answered.status_code)

    def _let_pods_start(self, slug: str) -> None:
        fault = self.faults.pop(slug, "")
        if fault:
            self.fault_client.clear(fault)

    def _see_answers(self, done: dict[tuple[str, str], RawActionCell]) -> None:
        """What the product says to what unwinds has to be seen before the unwinding ends."""
        for cell in done.values():
            if cell.column == "unwinding" and cell.action in REFUSED:
                runs.wait_until(lambda cell=cell: runs.refusals(self.access, cell.slug), f"{cell} to be refused")
            if cell.column == "unwinding" and cell.action == "mark run failed":
                runs.wait_until(
                    lambda cell=cell: self._cancels(cell) == 2, f"{cell} to be cancelled again", seconds=240
                )

    def _cancels(self, cell: RawActionCell) -> int:
        return runs.fact_kinds(self.access, cell.slug).count("tenant.provisioning.cancel.requested")


REFUSED = ("clear the whole run", "clear some tasks", "trigger again")


def _send(client: httpx.Client, action: str, run_id: str, slug: str) -> httpx.Response:
    return runs.send_again_after_deadlock(lambda: SEND[action](client, run_id, slug))


def _run(run_id: str) -> str:
    return f"{runs.DAG}/dagRuns/{quote(run_id, safe='')}"


def _clear(client: httpx.Client, run_id: str, **options: Any) -> httpx.Response:
    body = {"dry_run": False, "dag_run_id": run_id, "only_failed": False, "reset_dag_runs": True, **options}
    return client.post(f"{runs.DAG}/clearTaskInstances", json=body)


SEND: dict[str, Callable[[httpx.Client, str, str], httpx.Response]] = {
    "mark run failed": lambda client, run_id, _: client.patch(_run(run_id), json={"state": "failed"}),
    "mark task failed": lambda client, run_id, _: client.patch(
        f"{_run(run_id)}/taskInstances/{WAIT}", json={"new_state": "failed"}
    ),
    "mark run success": lambda client, run_id, _: client.patch(_run(run_id), json={"state": "success"}),
    "mark task success": lambda client, run_id, _: client.patch(
        f"{_run(run_id)}/taskInstances/{WAIT}", json={"new_state": "success"}
    ),
    "clear the whole run": lambda client, run_id, _: client.post(
        f"{_run(run_id)}/clear", json={"dry_run": False, "only_failed": False}
    ),
    "clear some tasks": lambda client, run_id, _: _clear(client, run_id, task_ids=[HANDLE]),
    "trigger again": lambda client, _, slug: client.post(
        f"{runs.DAG}/dagRuns", json={"logical_date": None, "conf": runs.request(slug)}
    ),
    "delete the run": lambda client, run_id, _: client.delete(_run(run_id)),
}
