"""The tenant's own database, as its application reaches it: by the DSN in the Secret that its pod refers to."""

from typing import TypeAlias

import psycopg

from cluster_emulator.ingress.application import AppRequest

Row: TypeAlias = tuple[object, ...]

CONNECT_TIMEOUT_SECONDS = 3
_STATEMENT_TIMEOUT = "-c statement_timeout=3000"


def dsn_of(request: AppRequest) -> str:
    """ "" when no Secret of the pod has one."""
    return request.secrets.get("dsn", "")


def fetch_row(request: AppRequest, statement: str, *parameters: object) -> Row | None:
    """The first row of a statement in the tenant's own database, which is committed. Raises psycopg.Error."""
    with psycopg.connect(
        dsn_of(request), connect_timeout=CONNECT_TIMEOUT_SECONDS, options=_STATEMENT_TIMEOUT, autocommit=True
    ) as connection:
        return connection.execute(statement.encode(), parameters).fetchone()
