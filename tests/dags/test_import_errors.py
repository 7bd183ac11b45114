"""Several products: each has a DAG, and a broken one an import error that leaves the others alone.

Guards what ADR 42 relies on in Airflow."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.layout import PROJECT
from tests.dags import several_products
from tests.products import SAMPLE

SAMPLE_DAG, CRM_DAG, ERP_DAG = "tenant_provisioning", "tenant_provisioning__crm", "tenant_provisioning__erp"
STANDING, TAKEN_OFF = [False, False], [True, True]
"""Of a DAG in Airflow's database: is it stale, and has its file an import error?"""
BREAK = '\ncolour = "red"\nshape = "round"\n'


@pytest.fixture(scope="module")
def products(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("products")
    for name in ("sample", "crm", "erp"):
        file = Path(shutil.copytree(SAMPLE.folder, home / name)) / "product.toml"
        file.write_text(file.read_text().replace('name = "sample"', f'name = "{name}"'))
    return home


@pytest.fixture(scope="module")
def airflow(products: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """`steps`: what Airflow has when all is well, when one product is broken, and when all are."""
    copies = tmp_path_factory.mktemp("copies") / "products"
    shutil.copytree(products, copies)
    changes = [{}, {"crm": BREAK}, {"sample": BREAK, "erp": BREAK}]
    done = _python(str(Path(several_products.__file__)), json.dumps(changes), home=copies)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def steps(airflow: dict[str, Any]) -> list[dict[str, Any]]:
    return list(airflow["steps"])


def _python(*words: str, home: Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")},
        "AIRFLOW_HOME": str(home.parent / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONPATH": str(PROJECT / "include"),
        "TENANCY_PRODUCTS": str(home),
        "TENANCY_PRODUCT": "sample",
        **more,
    }
    command = [sys.executable, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, env=env)


def test_each_product_has_a_dag_of_its_own(steps: list[dict[str, Any]]):
    assert steps[0] == {"dags": dict.fromkeys((SAMPLE_DAG, CRM_DAG, ERP_DAG), STANDING), "errors": {}}


def test_a_broken_product_has_an_import_error_with_its_mistakes_and_the_others_go_on(steps: list[dict[str, Any]]):
    dags, errors = steps[1]["dags"], steps[1]["errors"]
    assert (dags[SAMPLE_DAG], dags[ERP_DAG]) == (STANDING, STANDING)
    assert list(errors) == ["tenant_products.py"]
    for text in (f"There is no DAG {CRM_DAG}.", "unknown key colour", "unknown key shape"):
        assert text in errors["tenant_products.py"]


def test_airflow_takes_off_every_dag_of_a_file_with_an_import_error(steps: list[dict[str, Any]]):
    """The reason for two files: if this changes, one is enough."""
    assert steps[2]["dags"] == dict.fromkeys((SAMPLE_DAG, CRM_DAG, ERP_DAG), TAKEN_OFF)
    assert list(steps[2]["errors"]) == ["tenant_provisioning.py"]
    assert steps[2]["errors"]["tenant_provisioning.py"].count("unknown key colour") == 3


_BUILT = """
import json, sys, time
import airflow.sdk
airflow.sdk.DAG, airflow.sdk.BaseOperator
sys.path.insert(0, sys.argv[1])
began = time.process_time()
from tenant_provisioning import dags
print(json.dumps([[dag.dag_id for dag in dags], time.process_time() - began]))
"""


def test_a_run_id_belongs_to_one_provisioning_dag_only(airflow: dict[str, Any]):
    assert airflow["refusals"] == ["", f"{SAMPLE_DAG} has a run same already: give this run another id.", ""]


def built(products: Path, dag_id: str = "") -> tuple[list[str], float]:
    """The DAGs that a process with this parsing context builds, and the seconds it took."""
    context = {"_AIRFLOW_PARSING_CONTEXT_DAG_ID": dag_id} if dag_id else {}
    done = _python("-c", _BUILT, str(PROJECT / "dags"), home=products, **context)
    assert done.returncode == 0, done.stderr[-2000:]
    ids, took = json.loads(done.stdout.splitlines()[-1])
    return ids, took


def test_a_task_builds_only_its_own_dag(products: Path):
    everything, all_seconds = built(products)
    assert everything == [CRM_DAG, ERP_DAG, SAMPLE_DAG]
    for dag_id in everything:
        only, seconds = built(products, dag_id)
        assert only == [dag_id]
        print(f"{dag_id}: {1000 * seconds:.0f} ms, all three: {1000 * all_seconds:.0f} ms")  # noqa: T201 - the measurement


def test_a_task_of_a_healthy_product_begins_although_another_one_is_broken(products: Path, tmp_path: Path):
    copies = Path(shutil.copytree(products, tmp_path / "products"))
    (copies / "crm" / "product.toml").write_text("name = ")
    assert built(copies, SAMPLE_DAG)[0] == [SAMPLE_DAG]
    assert built(copies)[0] == [ERP_DAG, SAMPLE_DAG]
