"""What the service `init` of docker-compose.yaml does, against real servers, in the environment that file gives it."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import psycopg
import pytest
import yaml

from installation.contents import POOL_SLOTS, ROLE_OF_USER
from installation.secret_files import FILES, make, read
from installation.settings import settings
from sandbox.environment import inherited
from sandbox.layout import PROJECT
from sandbox.postgres import PostgresServer
from tenancy.airflow_settings import DATABASE_LOCK_SECONDS
from tenancy.ledger.migrations import LEDGER_VERSION
from tests.postgres_servers import embedded_server
from tests.unit.compose_file import environment

_RUN = """
import sys
from pathlib import Path
from installation.compose import Installation, install
from installation.contents import Address, ServiceAddresses
at, folder = Address("127.0.0.1", int(sys.argv[1])), Path(sys.argv[2])
addresses = ServiceAddresses(at, at, Address("api-server", 8080), {})
install(Installation(folder / "secrets", at, addresses, folder / "kubeconfig"))
"""


class Installed:
    """One embedded server stands for the three; their databases have different names."""

    def __init__(self, server: PostgresServer, folder: Path) -> None:
        self.server, self.folder = server, folder
        make(folder / "secrets", folder / ".env")
        for superuser in ("metadata_superuser", "ledger_superuser", "storage_superuser"):
            (folder / "secrets" / superuser).write_text(server.superuser_password)
        (folder / "kubeconfig").write_text(yaml.safe_dump(_KUBECONFIG))

    def prepare(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", _RUN, str(self.server.port), str(self.folder)],
            env={**inherited(), **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]

    @property
    def environment(self) -> Mapping[str, str]:
        """As docker-compose.yaml sets it, at this machine's places."""
        given = {name: value for name, value in environment("init").items() if "CELERY" not in f"{name}{value}"}
        local = {
            name: re.sub(r"/run/secrets", str(self.folder / "secrets"), value).replace(
                "postgres-metadata:5432", f"127.0.0.1:{self.server.port}"
            )
            for name, value in given.items()
        }
        places = {"AIRFLOW_HOME": str(self.folder / "airflow"), "PYTHONPATH": str(PROJECT / "include")}
        return {**settings(), **local, **places}

    def ask(self, database: str, question: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self.server.superuser_dsn(database), autocommit=True) as connection:
            return connection.execute(question.encode()).fetchall()


_KUBECONFIG = {
    "clusters": [
        {"name": "default", "cluster": {"server": "https://127.0.0.1:6443", "certificate-authority-data": "QQ=="}}
    ],
    "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
    "current-context": "default",
    "users": [{"name": "default", "user": {"token": "t"}}],
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """Prepared twice; in between somebody adds a connection of their own. On its own server: roles are a server's."""
    with embedded_server(tmp_path_factory.mktemp("installed")) as server:
        made = Installed(server, tmp_path_factory.mktemp("installation"))
        made.prepare()
        with psycopg.connect(server.superuser_dsn("airflow"), autocommit=True) as airflow:
            airflow.execute(
                "insert into connection (conn_id, conn_type, is_encrypted, is_extra_encrypted) "
                "values ('theirs', 'http', false, false)"
            )
        made.prepare()
        yield made


def test_each_database_has_its_owner_and_lets_nobody_else_in(installed: Installed):
    question = (
        "select datname, pg_get_userbyid(datdba), datacl::text like '{=c/%' from pg_database "
        "where datname = any('{airflow,ledger,storage_admin}') order by 1"
    )
    assert installed.ask("postgres", question) == [
        ("airflow", "airflow", False),
        ("ledger", "ledger_owner", False),
        ("storage_admin", "storage_admin", False),
    ]


def test_the_owner_of_the_ledger_cannot_log_in_and_the_writer_owns_nothing(installed: Installed):
    question = "select rolcanlogin, rolsuper from pg_roles where rolname = 'ledger_owner'"
    assert installed.ask("postgres", question) == [(False, False)]
    owned = "select relname from pg_class where pg_get_userbyid(relowner) = 'ledger'"
    assert installed.ask("ledger", owned) == []


def test_airflow_does_not_wait_for_locks_for_ever(installed: Installed):
    ((options,),) = installed.ask("postgres", "select rolconfig from pg_roles where rolname = 'airflow'")
    assert options == [f"lock_timeout={DATABASE_LOCK_SECONDS}s"]


def test_the_storage_admin_is_no_superuser(installed: Installed):
    question = "select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = 'storage_admin'"
    assert installed.ask("postgres", question) == [(False, True, True)]


def test_the_ledger_is_of_this_version(installed: Installed):
    assert installed.ask("ledger", "select version_num from ledger.alembic_version") == [(LEDGER_VERSION,)]


def test_every_connection_is_there_once_and_a_persons_own_is_kept(installed: Installed):
    found = [str(name) for (name,) in installed.ask("airflow", "select conn_id from connection order by 1")]
    assert found == [
        "tenancy_airflow_api",
        "tenancy_cluster_eu",
        "tenancy_cluster_us",
        "tenancy_credentials",
        "tenancy_ledger",
        "tenancy_storage_eu",
        "tenancy_storage_us",
        "theirs",
    ]


def test_no_password_and_no_kubeconfig_stands_there_as_it_is(installed: Installed):
    rows = installed.ask("airflow", "select coalesce(password, '') || coalesce(extra, '') from connection")
    stored = " ".join(str(text) for (text,) in rows)
    secrets = [read(installed.folder / "secrets", name) for name in FILES]
    assert [secret for secret in secrets if secret in stored] == []
    assert "k3s" not in stored


def test_every_user_has_their_role(installed: Installed):
    question = (
        "select username, ab_role.name from ab_user join ab_user_role on user_id = ab_user.id "
        "join ab_role on role_id = ab_role.id order by 1"
    )
    assert installed.ask("airflow", question) == sorted(ROLE_OF_USER.items())


def test_the_pools_of_the_plans_and_of_the_reconciler_are_there(installed: Installed):
    found = installed.ask("airflow", "select pool, slots from slot_pool where pool like 'tenan%' order by 1")
    assert found == sorted(POOL_SLOTS.items())
