"""Applies the SQL files beside it to a tenant's database: each once, in its own transaction.

A Job that is killed may run again: a file that did not end has left nothing, and those that ended are skipped.
"""

import os
import sys
from pathlib import Path

import psycopg

SQL = Path(__file__).with_name("sql")
TEMPORARY_FAILURE = 75
"""Tenancy runs the Job once more then."""


def main() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], options=os.environ["PGOPTIONS"], autocommit=True) as session:
        session.execute("create table if not exists forum_migration (name text primary key)")
        applied = {name for (name,) in session.execute("select name from forum_migration")}
        for file in sorted(SQL.glob("*.sql")):
            if file.name not in applied:
                apply(session, file)


def apply(session: psycopg.Connection, file: Path) -> None:
    print("applying", file.name, flush=True)
    with session.transaction():
        session.execute(file.read_text())
        session.execute("insert into forum_migration values (%s)", [file.name])


if __name__ == "__main__":
    try:
        main()
    except psycopg.OperationalError as error:
        print(error, file=sys.stderr)
        sys.exit(TEMPORARY_FAILURE)
