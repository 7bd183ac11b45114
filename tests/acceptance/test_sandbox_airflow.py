"""The Airflow inside the sandbox: users, roles, addresses, logs, and no secret where others can read it."""

import stat
import subprocess
import time
from collections.abc import Iterator

import httpx
import psutil
import psycopg
import pytest

from sandbox import json_files, ports, processes
from sandbox.access import SERVICE_USER, Access
from sandbox.processes import Register

PROBE = "/api/v2/dags/sandbox_probe"
USERS = ["viewer", "operator", "engineer", SERVICE_USER]


@pytest.fixture
def as_operator(sandbox: Access) -> Iterator[httpx.Client]:
    with sandbox.client("operator") as client:
        yield client


def _until_ok(client: httpx.Client, path: str, *, seconds: float = 60) -> httpx.Response:
    deadline = time.monotonic() + seconds
    while True:
        answer = client.get(path)
        if answer.is_success or time.monotonic() > deadline:
            answer.raise_for_status()
            return answer
        time.sleep(0.2)


def _trigger(client: httpx.Client, dag: str = "sandbox_probe", **conf: object) -> httpx.Response:
    return client.post(f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": None, "conf": conf})


def test_the_login_page_answers(sandbox: Access):
    page = httpx.get(f"{sandbox.api_url}/auth/login/", trust_env=False)

    assert page.status_code == 200
    assert "password" in page.text


@pytest.mark.parametrize("user", USERS)
def test_each_user_gets_a_token(sandbox: Access, user: str):
    with sandbox.client(user) as client:
        assert client.get("/api/v2/dags").status_code == 200


def test_an_operator_can_trigger_and_a_viewer_cannot(sandbox: Access, as_operator: httpx.Client):
    _until_ok(as_operator, PROBE)
    with sandbox.client("viewer") as viewer:
        assert _trigger(viewer).status_code == 403
    assert _trigger(as_operator).status_code == 200


@pytest.mark.parametrize("user", ["viewer", "operator", "engineer"])
@pytest.mark.parametrize(
    "path", ["/api/v2/plugins", "/ui/dags", "/ui/auth/menus", "/api/v2/assets", "/api/v2/eventLogs"]
)
def test_people_see_what_the_pages_of_airflow_ask_for(sandbox: Access, user: str, path: str):
    with sandbox.client(user) as client:
        assert client.get(path).status_code == 200


def test_only_engineers_and_the_service_see_connections(sandbox: Access):
    answers = {}
    for user in USERS:
        with sandbox.client(user) as client:
            answers[user] = client.get("/api/v2/connections").status_code

    assert answers == {"viewer": 403, "operator": 403, "engineer": 200, SERVICE_USER: 200}


def test_connections_and_pools_are_there(sandbox: Access):
    with sandbox.client("engineer") as client:
        connections = {each["connection_id"] for each in client.get("/api/v2/connections").json()["connections"]}
        pools = {each["name"]: each["slots"] for each in client.get("/api/v2/pools").json()["pools"]}

    assert connections >= {
        "tenancy_ledger",
        "tenancy_storage_eu",
        "tenancy_storage_us",
        "tenancy_airflow_api",
        "tenancy_credentials",
    }
    assert (pools["tenants_starter"], pools["tenants_business"]) == (8, 16)


def test_the_log_of_a_running_task_is_read_from_disk(sandbox: Access, as_operator: httpx.Client):
    _until_ok(as_operator, PROBE)
    run = _trigger(as_operator, seconds=8).raise_for_status().json()["dag_run_id"]
    task = f"{PROBE}/dagRuns/{run}/taskInstances/wait"
    deadline = time.monotonic() + 60
    log = ""
    while "the probe is running" not in log and time.monotonic() < deadline:
        time.sleep(0.5)
        log = as_operator.get(f"{task}/logs/1").text

    assert as_operator.get(task).json()["state"] == "running"
    assert "the probe is running" in log
    assert "Could not read served logs" not in sandbox.layout.log_of("api-server").read_text()


def test_everything_listens_on_the_loopback_only(sandbox: Access):
    register = Register(sandbox.layout.processes)
    addresses = {
        (name, connection.laddr.ip)
        for name in json_files.read(sandbox.layout.processes)
        if (daemon := register.get(name))
        for pid in processes.members(daemon)
        for connection in psutil.Process(pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }

    assert addresses == {
        (name, ports.HOST) for name in ("api-server", "cluster", "postgres-platform", "postgres-storage")
    }


def test_no_secret_is_in_the_arguments_of_any_process(sandbox: Access):
    document = json_files.read(sandbox.layout.secrets)
    secrets = [*document.pop("users").values(), *document.values()]
    arguments = [argument for process in psutil.process_iter(["cmdline"]) for argument in process.info["cmdline"] or ()]

    assert [secret for secret in secrets if any(secret in argument for argument in arguments)] == []


def test_files_with_secrets_are_for_their_owner_only(sandbox: Access):
    layout = sandbox.layout

    assert stat.S_IMODE(layout.secrets.stat().st_mode) == 0o600
    assert stat.S_IMODE(layout.airflow_environment.stat().st_mode) == 0o600
    assert stat.S_IMODE(layout.home.stat().st_mode) == 0o700


def test_airflows_command_line_works_from_a_bare_shell(sandbox: Access):
    done = subprocess.run(
        [sandbox.layout.airflow_command, "pools", "list", "--output", "plain"],
        env={"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "tenants_starter" in done.stdout


def test_tenants_storage_is_administered_without_superuser(sandbox: Access):
    with psycopg.connect(sandbox.storage_admin_dsn) as connection:
        rights = connection.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()

    assert rights == (False, True, True)


def test_the_ledgers_role_may_not_enter_airflows_database(sandbox: Access):
    elsewhere = sandbox.ledger_dsn.rpartition("/")[0] + "/airflow"

    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(elsewhere)
