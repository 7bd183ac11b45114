"""`python -m sandbox.faults.sessions KIND [TENANT]`: holds a database session open for as long as its fault is set.

`effects.py` starts, records and ends it. It prints `holding` when the fault is in effect. It starts again when its
session is terminated, because a compensation may drop the database that it is connected to.
"""

import sys
import time
from collections.abc import Callable
from typing import Final

import psycopg

from sandbox.access import Access
from sandbox.faults.tenants import database_pattern
from sandbox.layout import Layout

_POLL_SECONDS: Final = 0.1
_TABLES: Final = "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = 'tenant' order by 1"


def main() -> None:
    kind, tenant = [*sys.argv[1:], ""][:2]
    access = Access(Layout.find())
    while True:
        try:
            HOLDERS[kind](access, tenant)
        except psycopg.Error as error:
            print(f"cut: {type(error).__name__}", flush=True)
        time.sleep(_POLL_SECONDS)


def _on_databases(access: Access, _tenant: str) -> None:
    """A SHARE lock on the catalogue of databases: logins continue; CREATE, ALTER and DROP DATABASE wait."""
    with psycopg.connect(access.superuser_dsn("storage")) as session:
        session.execute("lock table pg_catalog.pg_database in share mode")
        _hold(session)


def _on_connections(access: Access, _tenant: str) -> None:
    """A SHARE lock on Airflow's connections: tasks can read them, and writers wait."""
    with psycopg.connect(access.superuser_dsn("platform", "airflow")) as session:
        session.execute("lock table connection in share mode")
        _hold(session)


def _on_schema(access: Access, tenant: str) -> None:
    """Also lock the catalogue of schemas, so that creating or dropping the schema waits too."""
    for name in _databases(access, tenant):
        # As the storage admin: DROP DATABASE ... WITH (FORCE) may not end a superuser's session.
        with psycopg.connect(access.storage_admin_dsn_of(name)) as session:
            session.execute("lock table pg_catalog.pg_namespace in share mode")
            for (table,) in session.execute(_TABLES).fetchall():
                session.execute(f"lock table {table} in access exclusive mode".encode())
            _hold(session)


def _databases(access: Access, tenant: str) -> list[str]:
    with psycopg.connect(access.superuser_dsn("storage"), autocommit=True) as session:
        found = session.execute("select datname from pg_database where datname ~ %s", (database_pattern(tenant),))
        return [str(row[0]) for row in found]


def _hold(session: "psycopg.Connection[tuple[object, ...]]") -> None:
    """Hold the session until the server terminates it."""
    print("holding", flush=True)
    while True:
        session.execute("select")
        time.sleep(1)


HOLDERS: Final[dict[str, Callable[[Access, str], None]]] = {
    "databases-locked": _on_databases,
    "handles-locked": _on_connections,
    "schema-locked": _on_schema,
}


if __name__ == "__main__":
    main()
