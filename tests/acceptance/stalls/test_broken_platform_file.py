"""A platform file that does not parse: the DAG cannot be built, so neither its tasks nor its callbacks run."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from sandbox.access import Access
from tests.acceptance import gates, runs
from tests.acceptance.stalls import stall_setup

BEFORE, NEXT = "allocate_workflow_handle", "apply_tenant_schema"
STARTED = "tenant.provisioning.step.started"
"""Recorded three times when BEFORE runs, whose process has built the DAG by then."""

AGAIN = {"up_for_reschedule", "up_for_retry"}
"""Airflow 3.3.2 puts a task off three times, for 60 s each, whose DAG it cannot build; then it tries it again as after
any error (task_runner.py, `_maybe_reschedule_startup_failure`)."""


@contextmanager
def _broken(file: Path) -> Iterator[None]:
    usual = file.read_text(encoding="utf-8")
    file.write_text(f"[regions.\n{usual}", encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(usual, encoding="utf-8")


def _state_of(access: Access, slug: str, task_id: str) -> str | None:
    """Of its task. Airflow's database is asked, because its API needs a DAG that can be built."""
    statement = "select state from task_instance where run_id = %s and task_id = %s"
    with psycopg.connect(access.superuser_dsn("platform", "airflow")) as connection:
        row = connection.execute(statement, (runs.first_run(access, slug), task_id)).fetchone()
    return row[0] if row else None


def test_nothing_is_undone_and_the_attempt_continues_once_the_file_is_repaired(
    limited: Access, limited_platform_file: Path
):
    slug = runs.new_slug("typo")
    with ExitStack() as repair:
        with gates.before_fact_of(limited, slug, "tenant.provisioning.step.completed", BEFORE):
            stall_setup.created(limited, slug=slug)
            runs.wait_until(lambda: runs.fact_kinds(limited, slug).count(STARTED) == 3, f"{BEFORE} to run")
            repair.enter_context(_broken(limited_platform_file))
        runs.wait_until(lambda: _state_of(limited, slug, NEXT) in AGAIN, f"{NEXT} to wait for another try")
    runs.await_phase(limited, slug, "Active", seconds=180)
    row, kinds = runs.tenant(limited, slug), runs.fact_kinds(limited, slug)
    assert row is not None
    assert row["attempt"] == 1
    assert not [kind for kind in kinds if "compensation" in kind or kind == "tenant.provisioning.failed"]
