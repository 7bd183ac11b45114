"""Parses the DAG files of a folder of products and stores the result in a fresh Airflow database, as the dag-processor
does; writes what Airflow then has, as JSON. Started by test_import_errors.py, because Airflow is configured once in a
process. Argument: JSON with `changes`: for each step, product -> what is appended to its product.toml."""

import contextlib
import json
import os
import sys
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
    print(json.dumps(steps))  # noqa: T201 - the answer to whoever started this program


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


if __name__ == "__main__":
    main()
