"""Parses the DAG files of a folder of products and stores the result in a fresh Airflow database, as the dag-processor
does; writes what Airflow then has, as JSON. Started by test_import_errors.py, because Airflow is configured once in a
process. Argument: JSON with `changes`: for each step, product -> what is appended to its product.toml."""

import contextlib
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DAGS = Path(__file__).parents[2] / "dags"
FILES = ("tenant_provisioning.py", "tenant_products.py")


def main() -> None:
    with contextlib.redirect_stdout(sys.stderr):
        from airflow.dag_processing.bundles.manager import DagBundlesManager
        from airflow.utils.db import initdb

        initdb()
        DagBundlesManager().sync_bundles_to_db()
        steps = [_step(changes) for changes in json.loads(sys.argv[1])]
        refusals = [_started(dag_id) for dag_id in ("tenant_provisioning", "tenant_provisioning__crm", "another")]
    print(json.dumps({"steps": steps, "refusals": refusals}))  # noqa: T201 - the answer to whoever started this program


def _step(changes: dict[str, str]) -> dict[str, Any]:
    for name, line in changes.items():
        file = Path(os.environ["TENANCY_PRODUCTS"]) / name / "product.toml"
        file.write_text(file.read_text() + line)
    for file in FILES:
        _parse(file)
    return _stored()


def _parse(file: str) -> None:
    """As a process of the dag-processor does, which handles one file and reports about that one."""
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    bag = DagBag(str(DAGS / file), bundle_path=DAGS, bundle_name="dags-folder")
    sync_bag_to_db(bag, "dags-folder", None)


def _stored() -> dict[str, Any]:
    from airflow.models.dag import DagModel
    from airflow.models.errors import ParseImportError
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        dags = session.scalars(select(DagModel)).all()
        errors = session.scalars(select(ParseImportError)).all()
        return {
            "dags": {dag.dag_id: [bool(dag.is_stale), bool(dag.has_import_errors)] for dag in dags},
            "errors": {error.filename: error.stacktrace for error in errors},
        }


def _started(dag_id: str) -> str:
    """The refusal of a run with always the same id; empty when it is stored."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    from tenancy.orchestration import run_starts

    run_starts.install()
    try:
        with create_session() as session:
            session.add(DagRun(dag_id=dag_id, run_id="same", run_type="manual", run_after=datetime.now(UTC)))
    except ValueError as refusal:
        return str(refusal)
    return ""


if __name__ == "__main__":
    main()
