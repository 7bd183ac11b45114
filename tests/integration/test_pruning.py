"""What the periodic DAGs leave behind is deleted after three days; runs of tenants and what waits are kept."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tenancy.engine.engine_report import PERIODIC_DAGS, all_dags
from tenancy.engine.reconciliation.pruning import KEPT, prune
from tenancy.ledger import pokes
from tenancy.ledger.ledger import Ledger
from tenancy.saga.errors import TransientError
from tenancy.saga.names import RunId
from tests.contract.fake_runs import FakeRuns
from tests.integration.engine_harness import EngineHarness
from tests.products import SAMPLE_ONLY

OLD, YOUNG = KEPT + timedelta(minutes=1), KEPT - timedelta(minutes=1)
"""Ages."""


@pytest.fixture
def runs() -> FakeRuns:
    """One old, one young and one old live run of each DAG of ours."""
    fake, now = FakeRuns(), datetime.now(UTC)
    for dag_id in all_dags(SAMPLE_ONLY):
        for name, age, state in (("old", OLD, "success"), ("young", YOUNG, "failed"), ("live", OLD, "running")):
            fake.start(dag_id, f"{dag_id} {name}", {})
            fake.end(dag_id, f"{dag_id} {name}", state)
            fake.due[f"{dag_id} {name}"] = now - age
    return fake


def test_old_ended_runs_of_periodic_dags_are_deleted_and_no_others(harness: EngineHarness, runs: FakeRuns):
    summary = prune(replace(harness.tenancy, runs=lambda: runs))
    assert summary.startswith("deleted 3 runs of periodic DAGs and 0 pokes")
    for dag_id in all_dags(SAMPLE_ONLY):
        kept = ["young", "live"] if dag_id in PERIODIC_DAGS else ["old", "young", "live"]
        assert runs.of(dag_id) == [f"{dag_id} {name}" for name in kept]


def test_pokes_that_were_handled_long_ago_are_deleted_and_those_that_wait_are_kept(
    harness: EngineHarness, runs: FakeRuns
):
    now = datetime.now(UTC)
    handled_at = {"old": now - OLD, "young": now - YOUNG}
    for name in ("old", "young", "waiting"):
        with Ledger(harness.ledger, clock=lambda name=name: handled_at.get(name, now)).open("test") as ledger:
            pokes.record_poke(ledger, RunId(name), "mark run failed")
            if name in handled_at:
                pokes.mark_handled(ledger, pokes.load_pokes(ledger)[-1])
    assert "and 1 pokes" in prune(replace(harness.tenancy, runs=lambda: runs))
    with harness.tenancy.ledger.open("test") as ledger:
        assert [poke.run_id for poke in pokes.load_pokes(ledger)] == ["waiting"]


def test_an_airflow_that_does_not_answer_is_asked_in_the_next_pass(harness: EngineHarness, runs: FakeRuns):
    runs.away = True
    with pytest.raises(TransientError):
        prune(replace(harness.tenancy, runs=lambda: runs))
