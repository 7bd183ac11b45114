"""The real DAG provisions a tenant, however it is started; its objects are checked by SQL and REST alone."""

import json
import subprocess

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from sandbox.access import Access
from sandbox.layout import Layout
from tests.acceptance import runs
from tests.acceptance.tenant_objects import assert_complete

ACTIVITIES = [
    "validate_request",
    "allocate_storage",
    "allocate_workflow_handle",
    "apply_tenant_schema",
    "deploy_workloads",
    "wait_for_workloads_ready",
    "mark_active",
]


@pytest.fixture(scope="module")
def active(sandbox: Access) -> str:
    """The slug of a tenant that was provisioned by REST."""
    slug = runs.new_slug("rest")
    run_id = runs.trigger(sandbox, runs.request(slug))
    assert runs.await_end(sandbox, run_id) == "success"
    return slug


def test_a_request_by_rest_ends_active_with_one_of_each_resource(sandbox: Access, active: str):
    assert runs.phase(sandbox, active) == "Active"
    assert_complete(sandbox, active)


def test_a_request_by_the_command_line_ends_active(sandbox: Access, sandbox_layout: Layout):
    slug = runs.new_slug("cli")
    command = [str(sandbox_layout.airflow_command), "dags", "trigger", "tenant_provisioning", "-o", "json", "-c"]
    done = subprocess.run(
        [*command, json.dumps(runs.request(slug))], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert runs.await_phase(sandbox, slug, "Active") == "Active"
    assert_complete(sandbox, slug)


def test_the_trigger_form_asks_for_every_field_with_choices_and_patterns(sandbox: Access):
    params = runs.get(sandbox, f"{runs.DAG}/details")["params"]

    assert list(params) == ["slug", "name", "plan", "region", "admin_email"]
    assert params["plan"]["schema"]["enum"] == ["starter", "business"]
    assert params["region"]["schema"]["enum"] == ["eu-central", "us-east"]
    assert all(params[field]["schema"]["title"] and params[field]["description"] for field in params)


def test_facts_are_in_order_and_completed_is_the_last(sandbox: Access, active: str):
    kinds = runs.fact_kinds(sandbox, active)
    row = runs.tenant(sandbox, active)
    assert row is not None
    started = runs.ledger(
        sandbox,
        "select data ->> 'activity' as activity from ledger.fact where stream = %s and kind = %s order by seq",
        row["id"],
        "tenant.provisioning.step.started",
    )

    assert kinds[:2] == ["tenant.provisioning.requested", "tenant.provisioning.started"]
    assert [fact["activity"] for fact in started] == ACTIVITIES
    assert kinds[-1] == "tenant.provisioning.completed"


def test_the_hash_chain_is_whole_by_plain_sql(sandbox: Access, active: str):
    row = runs.tenant(sandbox, active)
    assert row is not None
    broken = runs.ledger(
        sandbox,
        "select seq from (select seq, prev_hash, lag(hash, 1, '') over (order by seq) as before from ledger.fact "
        "where stream = %s) as chain where prev_hash <> before",
        row["id"],
    )
    assert broken == []


def test_an_attempt_records_its_plan_and_schema_version(sandbox: Access, active: str):
    row = runs.tenant(sandbox, active)
    assert row is not None
    (started,) = runs.ledger(
        sandbox,
        "select data from ledger.fact where stream = %s and kind = 'tenant.provisioning.started'",
        row["id"],
    )
    assert [entry["activity"] for entry in started["data"]["plan"]] == ACTIVITIES
    assert started["data"]["schema_version"] == "0002"


def test_the_requester_is_in_the_audit_log(sandbox: Access, active: str):
    row = runs.tenant(sandbox, active)
    assert row is not None
    actors = runs.ledger(sandbox, "select distinct actor from ledger.fact where stream = %s", row["id"])
    assert [fact["actor"] for fact in actors] == ["operator"]


def test_the_handle_leads_to_the_tenants_database(sandbox: Access, active: str):
    found = assert_complete(sandbox, active)
    handle = runs.get(sandbox, f"/api/v2/connections/{found.connections[0]}")

    assert handle["schema"] == found.databases[0]
    assert handle["login"] == found.roles[0]
    # Airflow's own hook hands every key to libpq, which refuses what it does not know.
    assert make_conninfo(dbname=handle["schema"], **json.loads(handle["extra"] or "{}"))


def test_the_plans_connection_limit_is_the_databases(sandbox: Access, active: str):
    found = assert_complete(sandbox, active)
    with psycopg.connect(sandbox.superuser_dsn("storage"), autocommit=True) as connection:
        limits = connection.execute(
            "select (select datconnlimit from pg_database where datname = %s), "
            "(select rolconnlimit from pg_roles where rolname = %s)",
            (found.databases[0], found.roles[0]),
        ).fetchone()
    assert limits == (10, 10)


def test_the_admin_is_invited_once_and_only_a_digest_is_kept(sandbox: Access, active: str):
    found = assert_complete(sandbox, active)
    with psycopg.connect(sandbox.superuser_dsn("storage", found.databases[0]), autocommit=True) as connection:
        rows = connection.execute(
            "select email, role, length(invitation_digest), invitation_used_at, invitation_expires_at > now() "
            "from tenant.users"
        ).fetchall()
    assert rows == [("admin@acme.example", "admin", 64, None, True)]


def test_an_active_tenant_is_announced_as_an_asset_event(sandbox: Access, active: str):
    events = runs.get(sandbox, "/api/v2/assets/events?source_dag_id=tenant_provisioning&limit=100")["asset_events"]
    assert active in [event["extra"].get("slug") for event in events]


def test_no_secret_is_in_logs_conf_or_xcom(sandbox: Access, sandbox_layout: Layout, active: str):
    row = runs.tenant(sandbox, active)
    assert row is not None
    written = "".join(path.read_text(errors="replace") for path in sandbox_layout.logs.rglob("*.log"))
    with psycopg.connect(sandbox.superuser_dsn("platform", "airflow"), autocommit=True) as connection:
        xcoms = connection.execute("select count(*) from xcom where dag_id = 'tenant_provisioning'").fetchone()
    secrets = json.loads(sandbox_layout.secrets.read_text())

    assert xcoms == (0,)
    for secret in _leaves(secrets):
        assert secret not in written


def _leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for entry in value.values() for leaf in _leaves(entry)]
    return [value] if isinstance(value, str) and len(value) >= 12 else []


def test_clearing_the_run_of_an_active_tenant_verifies_and_changes_nothing(sandbox: Access, active: str):
    row = runs.tenant(sandbox, active)
    assert row is not None
    before, facts = assert_complete(sandbox, active), runs.fact_kinds(sandbox, active)
    with sandbox.client("operator") as client:
        answer = client.post(f"{runs.DAG}/dagRuns/{row['run_id']}/clear", json={"dry_run": False, "only_failed": False})
    assert answer.status_code == 200, answer.text

    assert runs.await_end(sandbox, row["run_id"]) == "success"
    assert assert_complete(sandbox, active) == before
    assert runs.fact_kinds(sandbox, active) == facts
