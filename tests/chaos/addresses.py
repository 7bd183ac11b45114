"""The addresses of a running sandbox: all that the verdict and the attacks know of it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row


@dataclass(frozen=True)
class AttackAddresses:
    """Superusers' DSNs, the kubeconfig, URLs, and bearer tokens that were taken before any attack."""

    ledger: str
    airflow: str
    storage: str
    kubeconfig: str
    api: str
    ingress: str
    domains: dict[str, str]
    tokens: dict[str, str] = field(repr=False)
    buckets: Callable[[], Iterable[str]] = tuple
    """The names of all buckets, as the S3 server has them."""
    dns_names: Callable[[], Iterable[str]] = tuple
    """The names of all records in the zone, and of their proofs (`_tenancy.NAME`), as the DNS server has them."""

    def api_as(self, user: str, *, timeout: float = 30.0) -> httpx.Client:
        """A client of Airflow's REST API and of ours."""
        headers = {"Authorization": f"Bearer {self.tokens[user]}", "X-Tenancy-Request": "1"}
        return httpx.Client(base_url=self.api, headers=headers, timeout=timeout, trust_env=False)


def rows(dsn: str, statement: str, *parameters: object) -> list[dict[str, Any]]:
    """The rows of one statement, in a session of its own."""
    with psycopg.connect(dsn, autocommit=True, connect_timeout=5, row_factory=dict_row) as session:
        done = session.execute(statement.encode(), parameters or None)
        return done.fetchall() if done.description else []


def in_database(dsn: str, database: str) -> str:
    """The DSN of another database on the same server."""
    return psycopg.conninfo.make_conninfo(dsn, dbname=database)
