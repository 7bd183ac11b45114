"""Tries every way to start a run on an Airflow of its own: an empty SQLite database, our DAGs, its REST API in-process.

Run as a program with a new folder as AIRFLOW_HOME; the last line it prints is a JSON object of way -> [status, text].
"""

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DAGS = Path(__file__).parents[2] / "dags"
FUTURE, PAST = "2099-01-01T00:00:00Z", "2020-01-01T00:00:00Z"
CONF = {
    "tenant_provisioning": {
        "slug": "acme",
        "name": "Acme",
        "plan": "starter",
        "region": "eu-central",
        "admin_email": "admin@acme.example",
    },
    "tenant_compensation": {
        "tenant_id": "00000000-0000-0000-0000-000000000001",
        "attempt": 1,
        "generation": 1,
        "purpose": "cancel",
    },
}
BODIES: dict[str, dict[str, Any]] = {
    "now": {"logical_date": None},
    "with a future logical date": {"logical_date": FUTURE},
    "with a past logical date": {"logical_date": PAST},
    "with a future run_after": {"logical_date": None, "run_after": FUTURE},
    "with a future run_after and a run id": {"logical_date": None, "run_after": FUTURE, "dag_run_id": "mine"},
    "with a data interval of its own": {
        "logical_date": FUTURE,
        "data_interval_start": PAST,
        "data_interval_end": PAST,
        "dag_run_id": "mine",
    },
}
UNSTORABLE = ("a\0@acme.example", "a\ud800@acme.example")
WAYS = (
    *BODIES,
    "by a backfill",
    "by a backfill's dry run",
    "by an operator",
    "by an operator with a future logical date",
    "by the command line",
    "by the command line with a future logical date",
    "by the command line's backfill",
    "by dags test with a future logical date",
)
Answer = tuple[int, str]


def main() -> None:
    with contextlib.redirect_stdout(sys.stderr):
        client = _airflow()
        answers = {f"{dag_id} {way}": answer for dag_id in _dag_ids() for way, answer in _tries(client, dag_id)}
        answers.update(_materialized(client))
        answers.update(_unstorable(client))
        answers["cleared"] = _cleared(client)
        answers["a process of its own"] = _process("dags", "trigger", "tenant_reality_check", "--logical-date", FUTURE)
    print(json.dumps(answers))  # noqa: T201 - the answer to whoever started this program


def _airflow() -> Any:
    from airflow.api_fastapi.app import create_app, get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.utils.db import initdb
    from fastapi.testclient import TestClient

    initdb()
    DagBundlesManager().sync_bundles_to_db()
    bag = DagBag(str(DAGS))
    assert not bag.import_errors, bag.import_errors
    sync_bag_to_db(bag, "dags-folder", None)
    app = create_app()
    token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username="anybody", role="ADMIN"))
    return TestClient(app, headers={"Authorization": f"Bearer {token}"})


def _dag_ids() -> list[str]:
    return sorted(path.stem for path in DAGS.glob("*.py") if path.stem != "tenant_products")  # which has no DAG


def _tries(client: Any, dag_id: str) -> Iterator[tuple[str, Answer]]:
    conf = CONF.get(dag_id, {})
    for way, body in BODIES.items():
        yield way, _posted(client, f"dags/{dag_id}/dagRuns", {**body, "conf": conf})
    days = {"dag_id": dag_id, "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-02T00:00:00Z"}
    yield "by a backfill", _posted(client, "backfills", {**days, "dag_run_conf": conf})
    yield "by a backfill's dry run", _posted(client, "backfills/dry_run", days)
    yield "by an operator", _by_an_operator(dag_id, conf, None)
    yield "by an operator with a future logical date", _by_an_operator(dag_id, conf, FUTURE)
    given = ("-c", json.dumps(conf))
    yield "by the command line", _command("dags", "trigger", dag_id, *given)
    future = ("--logical-date", FUTURE)
    yield "by the command line with a future logical date", _command("dags", "trigger", dag_id, *given, *future)
    to_from = ("--from-date", "2026-01-01", "--to-date", "2026-01-02")
    yield "by the command line's backfill", _command("backfill", "create", "--dag-id", dag_id, *to_from)
    yield "by dags test with a future logical date", _command("dags", "test", dag_id, FUTURE, *given)


def _unstorable(client: Any) -> dict[str, Answer]:
    """What PostgreSQL cannot store, which JSON lets through when it is escaped."""
    asked = {f"{field} with {text!a}": {field: text} for field in ("name", "admin_email") for text in UNSTORABLE}
    dag = "/api/v2/dags/tenant_provisioning/dagRuns"
    answers = {}
    for way, change in asked.items():
        body = {"logical_date": None, "conf": {**CONF["tenant_provisioning"], **change}}
        answer = client.post(dag, content=json.dumps(body), headers={"Content-Type": "application/json"})
        answers[way] = answer.status_code, answer.text
    return answers


def _posted(client: Any, path: str, body: dict[str, Any]) -> Answer:
    answer = client.post(f"/api/v2/{path}", json=body)
    return answer.status_code, answer.text


def _by_an_operator(dag_id: str, conf: dict[str, Any], logical_date: str | None) -> Answer:
    """As the route that serves TriggerDagRunOperator does."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.utils import timezone
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    date = timezone.parse(logical_date) if logical_date else None
    asked = {"run_type": DagRunType.OPERATOR_TRIGGERED, "triggered_by": DagRunTriggeredByType.OPERATOR}
    try:
        trigger_dag(dag_id, conf=conf, logical_date=date, run_id=f"by-an-operator-{bool(date)}", **asked)
    except ValueError as error:
        return 400, str(error)
    return 200, ""


def _command(*words: str) -> Answer:
    from airflow.cli import cli_parser

    args = cli_parser.get_parser().parse_args(words)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            args.func(args)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the test looks at it
        return 1, f"{type(error).__name__}: {error}"
    return 0, ""


def _process(*words: str) -> Answer:
    """The command as a person starts it: what an Airflow process loads by itself must be enough."""
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *words], check=False, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def _materialized(client: Any) -> dict[str, Answer]:
    assets = client.get("/api/v2/assets").json()["assets"]
    return {f"materialize {each['uri']}": _posted(client, f"assets/{each['id']}/materialize", {}) for each in assets}


def _cleared(client: Any) -> Answer:
    """An old run of a periodic DAG is queued again, as the run that it was, and no other is made."""
    runs = "/api/v2/dags/tenant_reality_check/dagRuns"
    (first, *_) = client.get(runs).json()["dag_runs"]
    before = client.get(runs).json()["total_entries"]
    client.patch(f"{runs}/{first['dag_run_id']}", json={"state": "success"})
    answer = client.post(f"{runs}/{first['dag_run_id']}/clear", json={"dry_run": False, "only_failed": False})
    after = client.get(runs).json()
    state = next(each["state"] for each in after["dag_runs"] if each["dag_run_id"] == first["dag_run_id"])
    return answer.status_code, f"{state}, {after['total_entries'] - before} more"


if __name__ == "__main__":
    main()
