"""The embedded PostgreSQL server alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from sandbox import postgres, unprivileged
from sandbox.layout import PROJECT
from sandbox.ports import HOST, any_free
from sandbox.postgres import PostgresServer


def _server(directory: Path) -> PostgresServer:
    return PostgresServer("mine", directory, any_free(), directory.parent / "postgres.log", "the password")


def test_refuses_a_wrong_password(postgres_server: PostgresServer):
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres_server.dsn("postgres", "postgres", "wrong"))


def test_listens_on_the_loopback_only(postgres_server: PostgresServer):
    with psycopg.connect(postgres_server.superuser_dsn()) as connection:
        row = connection.execute(
            "SELECT current_setting('listen_addresses'), current_setting('unix_socket_directories')"
        ).fetchone()

    assert row == (HOST, "")


def test_understands_unicode_whatever_the_systems_locale(fresh_database: str):
    with psycopg.connect(fresh_database) as connection:
        assert connection.execute("SELECT upper('żółć'), length('日本')").fetchone() == ("ŻÓŁĆ", 2)


def test_keeps_what_was_committed_when_killed_and_starts_again_at_once(tmp_path: Path):
    server = _server(tmp_path / "server")
    server.create()
    daemon = server.start()
    session = psycopg.connect(server.superuser_dsn(), autocommit=True)
    session.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    os.kill(daemon.pid, signal.SIGKILL)
    daemon = server.start()

    with psycopg.connect(server.superuser_dsn()) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    session.close()
    postgres.stop(daemon)
    assert not daemon.alive


def test_a_half_made_data_directory_is_made_again(tmp_path: Path):
    server = _server(tmp_path / "server")
    (server.directory / "data.draft").mkdir(parents=True)
    (server.directory / "data.draft" / "PG_VERSION").write_text("18")

    server.create()

    assert server.initialised
    assert [path.name for path in server.directory.iterdir()] == ["data"]


def test_starts_although_another_program_has_the_process_id_it_left_behind(tmp_path: Path):
    server = _server(tmp_path / "server")
    server.create()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n")

    daemon = server.start()

    assert server.healthy()
    postgres.stop(daemon)


def test_stops_within_its_grace_although_a_session_is_busy(tmp_path: Path):
    server = _server(tmp_path / "server")
    server.create()
    daemon = server.start()
    busy = subprocess.Popen(
        [postgres.program("psql"), "-qc", "SELECT pg_sleep(60)", "-d", f"host={HOST} port={server.port} user=postgres"],
        env={"PGPASSWORD": server.superuser_password},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    began = time.monotonic()

    postgres.stop(daemon)

    assert time.monotonic() - began < 5
    busy.wait()


def test_works_for_an_ordinary_user(tmp_path: Path):
    """As root: the same code in a process that gave root up, the way the server itself does."""
    directory = tmp_path / "server"
    directory.mkdir()
    owner = unprivileged.owner_for(postgres.program("postgres"), directory)
    source = f"""
import os
from pathlib import Path
from sandbox import postgres
assert os.geteuid() != 0
server = postgres.PostgresServer("mine", Path({str(directory)!r}), {any_free()}, Path({str(directory)!r}) / "log", "pw")
server.create()
daemon = server.start()
print(server.healthy())
postgres.stop(daemon)
"""
    done = subprocess.run(
        [*owner.prefix, sys.executable, "-c", source],
        env={"PYTHONPATH": str(PROJECT / "include"), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        **owner.arguments(),
    )

    assert (done.stdout.strip(), done.returncode) == ("True", 0), done.stderr
