"""The ledger's backup and restore as docs/operating/backup-and-restore.md gives them. For tests only."""

import os
import subprocess
from pathlib import Path

from sandbox.access import Access
from sandbox.postgres import program
from tests.acceptance.gates import connected

BACKUP = "pg_dump --format=custom --file=ledger.dump --dbname=ledger"
_END_SESSIONS = "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'ledger'"
RESTORE = (
    "createdb --owner=ledger_owner ledger_restored",
    "pg_restore --exit-on-error --single-transaction --dbname=ledger_restored ledger.dump",
    "psql --dbname=postgres --command='revoke connect on database ledger_restored from public'",
    "psql --dbname=postgres --command='grant connect on database ledger_restored to ledger'",
    "psql --dbname=postgres --command='alter database ledger allow_connections false'",
    f'psql --dbname=postgres --command="{_END_SESSIONS}"',
    "psql --dbname=postgres --command='alter database ledger rename to ledger_old'",
    "psql --dbname=postgres --command='alter database ledger_restored rename to ledger'",
)
"""Beside the name that everybody knows: who asks meanwhile finds no ledger, and never half of one."""

Facts = set[tuple[str, int, str]]


def run(access: Access, folder: Path, *commands: str) -> None:
    """These commands as the platform server's superuser, in this folder."""
    server = access.server("platform")
    known = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "postgres"}
    environment = {**os.environ, **known, "PGPASSWORD": server.superuser_password}
    environment["PATH"] = f"{program('psql').parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"


def facts(access: Access) -> Facts:
    """Every fact: stream, number, hash."""
    with connected(access.superuser_dsn("platform", "ledger")) as ledger:
        return {
            (str(stream), seq, kept)
            for stream, seq, kept in ledger.execute("select stream, seq, hash from ledger.fact")
        }
