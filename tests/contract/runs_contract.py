"""The contract of every workflow engine's runs: subclass `RunsContract` and provide the engine.

Passed by the fake (test_fake_runs.py) and by a real Airflow (tests/acceptance/test_airflow_runs_contract.py).
"""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tenancy.engine.workflow import COMPENSATION_DAG as DAG
from tenancy.engine.workflow import Runs

NOBODY = {"tenant_id": str(uuid4()), "attempt": 1, "generation": 1, "purpose": "cancel"}


class RunsContract:
    """The contract. A subclass has a fixture `runs`."""

    @pytest.fixture
    def run_id(self, runs: Runs) -> str:
        """A run that is there; its id has what Airflow's own ids have."""
        run_id = f"contract__{uuid4()}T12:00:00+00:00"
        assert runs.start(DAG, run_id, NOBODY)
        return run_id

    def test_the_engines_identity_is_made_once_and_stays(self, runs: Runs):
        identity = runs.identity(make=True)
        assert identity.startswith("airflow:")
        assert {runs.identity(make=True), runs.identity()} == {identity}

    def test_no_run_of_an_unknown_slug_ended_well(self, runs: Runs):
        assert not tuple(runs.succeeded(DAG, f"nobody-{uuid4().hex[:8]}"))

    def test_a_run_that_was_never_started_is_none(self, runs: Runs):
        assert runs.find(DAG, "contract__never") is None

    def test_a_started_run_lives(self, runs: Runs, run_id: str):
        run = runs.find(DAG, run_id)
        assert run is not None
        assert run.is_live or run.state == "success"  # a real one may be quick

    def test_starting_it_again_says_no_and_changes_nothing(self, runs: Runs, run_id: str):
        assert not runs.start(DAG, run_id, NOBODY)

    def test_failing_what_is_not_there_or_has_ended_is_fine(self, runs: Runs, run_id: str):
        runs.fail(DAG, "contract__never")
        for _ in range(2):
            runs.fail(DAG, run_id)
        run = runs.find(DAG, run_id)
        assert run is not None
        assert not run.is_live

    def test_clearing_the_history_starts_nothing(self, runs: Runs, run_id: str):
        runs.fail(DAG, run_id)
        ended = runs.find(DAG, run_id)
        for _ in range(2):
            runs.clear_history(DAG, run_id)
        after = runs.find(DAG, run_id)
        assert ended is not None
        assert after is not None
        assert after.state == ended.state

    def test_clearing_what_is_not_there_is_fine(self, runs: Runs):
        runs.clear_history(DAG, "contract__never")

    def test_a_continued_run_keeps_its_id_and_is_marked_as_ours(self, runs: Runs, run_id: str):
        runs.fail(DAG, run_id)
        runs.rerun(DAG, run_id)
        run = runs.find(DAG, run_id)
        assert run is not None
        assert run.is_live or run.state == "success"
        assert ("clear_dag_run", runs.user) in {(mark.event, mark.user) for mark in runs.marks(DAG, run_id)}

    def test_running_what_is_not_there_again_is_fine(self, runs: Runs):
        runs.rerun(DAG, "contract__never")

    def test_the_tasks_of_what_is_not_there_are_none(self, runs: Runs):
        assert tuple(runs.tasks(DAG, "contract__never")) == ()

    def test_a_started_run_has_its_tasks_at_once(self, runs: Runs, run_id: str):
        assert len(tuple(runs.tasks(DAG, run_id))) == 1

    def test_a_run_that_nobody_touched_has_no_marks(self, runs: Runs, run_id: str):
        assert tuple(runs.marks(DAG, run_id)) == ()

    def test_the_dag_is_not_paused_and_nothing_is_silent(self, runs: Runs):
        assert not runs.is_paused(DAG)
        assert not runs.is_paused("tenant_provisioning__of_a_product_with_mistakes")
        assert tuple(runs.unhealthy_components()) == ()

    def test_only_ended_runs_that_were_due_before_are_deleted(self, runs: Runs, run_id: str):
        now = datetime.now(UTC)
        long_ago, soon = now - timedelta(days=365), now + timedelta(minutes=5)
        runs.fail(DAG, run_id)
        assert runs.delete_ended(DAG, before=long_ago, limit=100) == 0
        assert runs.find(DAG, run_id) is not None
        while runs.find(DAG, run_id) is not None:
            assert runs.delete_ended(DAG, before=soon, limit=3) in {1, 2, 3}

    def test_nothing_is_deleted_of_a_dag_that_is_not_there(self, runs: Runs):
        assert runs.delete_ended("contract_never", before=datetime.now(UTC), limit=1) == 0

    def test_a_run_that_has_ended_does_not_wait_in_the_queue(self, runs: Runs, run_id: str):
        runs.fail(DAG, run_id)
        assert run_id not in {queued.run_id for queued in runs.queued(DAG)}
