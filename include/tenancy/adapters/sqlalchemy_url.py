"""Reads a URL of SQLAlchemy, such as Airflow's `[database] sql_alchemy_conn`, as a database address."""

from typing import Final

import sqlalchemy
from psycopg import pq
from sqlalchemy.exc import ArgumentError

from tenancy.adapters.dsn import DEFAULT_PORT, Dsn

_PARTS: Final = frozenset({"host", "port", "dbname", "user", "password"})


def dsn_of_url(url: str, label: str) -> Dsn | None:
    """The database of a URL of SQLAlchemy, `postgresql+psycopg2://…`; None if it is not PostgreSQL. Parameters of the
    driver that libpq does not know are left out."""
    try:
        given = sqlalchemy.make_url(url)
    except (ArgumentError, ValueError):
        return None
    if given.get_backend_name() not in {"postgres", "postgresql"}:
        return None
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    query = {name: ",".join(value) if isinstance(value, tuple) else value for name, value in given.query.items()}
    host, port = _address(query.get("host", ""), given.host or "", given.port)
    return Dsn(
        host=host,
        port=query.get("port", port),
        dbname=given.database or query.get("dbname", ""),
        user=given.username or query.get("user", ""),
        password=str(given.password or query.get("password", "")),
        label=label,
        options={name: value for name, value in query.items() if name in known - _PARTS},
    )


def _address(query: str, host: str, port: int | None) -> tuple[str, int | str]:
    """`?host=a:1&host=b:2` is SQLAlchemy's way to name several hosts."""
    if not query:
        return host, port or DEFAULT_PORT
    parts = [each.rpartition(":") if ":" in each and "]" not in each else (each, "", "") for each in query.split(",")]
    hosts = ",".join(name for name, _, _ in parts)
    return hosts, ",".join(number or str(port or DEFAULT_PORT) for _, _, number in parts)
