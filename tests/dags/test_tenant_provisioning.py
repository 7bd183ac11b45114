"""The DAG's shape, and what parsing it costs. Behaviour is tested below Airflow and in tests/acceptance."""

import json
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from tests.products import PLAN, SAMPLE

HANDLE = "allocate_workflow_handle"

_PARSE = """
import json, sys, time
began = time.perf_counter()
import airflow.sdk
airflow.sdk.DAG, airflow.sdk.BaseOperator
imported = time.perf_counter()
from tenant_provisioning import dags; dag, = dags
parsed = time.perf_counter()
json.dump({
    "share": (parsed - imported) / (imported - began),
    "modules": sorted(set(sys.modules)),
    "tasks": [task.task_id for task in dag.topological_sort()],
    "edges": {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks},
    "timeouts": {task.task_id: task.execution_timeout.total_seconds() for task in dag.tasks},
    "outlets": {task.task_id: [outlet.name for outlet in task.outlets] for task in dag.tasks},
    "callbacks": [bool(task.on_failure_callback) for task in dag.tasks] + [bool(dag.on_failure_callback)],
    "doc": dag.doc_md,
    "schedule": dag.schedule,
    "max_active_runs": dag.max_active_runs,
    "deadlines": [[each.reference.reference_name, each.interval.total_seconds(), each.callback.path]
                  for each in dag.deadline],
}, sys.stdout)
"""


@cache
def parsed(platform_file: str = os.environ["TENANCY_PLATFORM_FILE"], products: str = "") -> dict[str, Any]:
    """The DAG as a fresh process sees it."""
    done = parse(platform_file, products)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def parse(platform_file: str, products: str) -> subprocess.CompletedProcess[str]:
    dags = Path(__file__).parents[2] / "dags"
    script = f"import sys; sys.path.insert(0, {str(dags)!r})\n{_PARSE}"
    env = {**os.environ, "TENANCY_PLATFORM_FILE": platform_file, "TENANCY_PRODUCTS": products}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=env)


def test_parsing_imports_no_heavy_client():
    heavy = {"kubernetes", "psycopg", "psycopg2", "helm_python", "alembic"}
    assert heavy.isdisjoint(parsed()["modules"])


def test_parsing_adds_little_to_what_airflow_itself_needs():
    # 0.05 s beside 1.0 s for airflow.sdk (2 cores, Python 3.11, 2026-11-22); 0.3 s is the most it may add there.
    assert parsed()["share"] < 0.3


def test_the_tasks_are_the_plan_in_a_chain():
    names = [activity.name for activity in PLAN]
    assert parsed()["tasks"] == names
    assert parsed()["edges"] == dict(zip(names, [*([name] for name in names[1:]), []], strict=True))


def test_every_try_of_a_task_is_ended_in_time():
    assert parsed()["timeouts"] == {activity.name: activity.give_up_after.total_seconds() for activity in PLAN}


def test_the_platform_file_may_say_another_limit(tmp_path: Path):
    platform_file = tmp_path / "platform.toml"
    shipped = Path(os.environ["TENANCY_PLATFORM_FILE"]).read_text()
    platform_file.write_text(f"{shipped}\nwait_for_workloads_ready = 0.5\n")
    timeouts = parsed(str(platform_file))["timeouts"]
    assert (timeouts["wait_for_workloads_ready"], timeouts["mark_active"]) == (30, 300)


def test_the_tasks_are_those_of_another_product(tmp_path: Path):
    file = _product(tmp_path) / "product.toml"
    text = file.read_text().replace('  "allocate_workflow_handle",\n', "")
    file.write_text(text)
    assert parsed(products=str(tmp_path))["tasks"] == [each.name for each in PLAN if each.name != HANDLE]


def test_the_import_error_of_a_wrong_product_names_every_mistake(tmp_path: Path):
    file = _product(tmp_path) / "product.toml"
    file.write_text(file.read_text().replace('"mark_active"', '"mark_inactive"') + '\ncolour = "red"\n')
    failed = parse(os.environ["TENANCY_PLATFORM_FILE"], str(tmp_path))
    assert failed.returncode != 0
    for mistake in ("product.toml: unknown key colour", "mark_inactive is not installed (installed are: validate_requ"):
        assert mistake in failed.stderr


def _product(products: Path) -> Path:
    return Path(shutil.copytree(SAMPLE.folder, products / "sample"))


def test_waiting_tenants_keep_nobody_from_beginning():
    assert parsed()["max_active_runs"] >= 1000


def test_every_task_and_the_run_have_a_failure_callback():
    assert all(parsed()["callbacks"])


def test_a_run_over_its_time_starts_a_callback_in_the_triggerer():
    callback = "tenancy.orchestration.deadline.deadline_passed"
    assert parsed()["deadlines"] == [["RunMade", 900, callback]]


def test_only_marking_active_updates_an_asset():
    outlets = {name: assets for name, assets in parsed()["outlets"].items() if assets}
    assert outlets == {"mark_active": ["tenant.active"]}


def test_it_runs_only_on_request_and_its_documentation_explains_how():
    assert parsed()["schedule"] is None
    assert "airflow dags trigger tenant_provisioning" in parsed()["doc"]
