"""Callers and their rights, independent of Airflow; airflow_auth.py finds them out."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.requests import Request

from tenancy.airflow_settings import ENGINEER, OPERATOR, VIEWER


class Right(StrEnum):
    """A right that a route needs; the value names Airflow's permission."""

    READ = "can_read on DAG Runs"
    CREATE = "can_create on DAG Runs"
    """Start an attempt: create, retry, recreate."""
    EDIT = "can_edit on DAG Runs"
    """End or undo an attempt: cancel, reset, decommission, escalate."""
    FORCE = "can_edit on Plugins"
    """Platform engineering: a forced reset."""


ROLE_OF: Final[Mapping[Right, str]] = {
    Right.READ: VIEWER,
    Right.CREATE: OPERATOR,
    Right.EDIT: OPERATOR,
    Right.FORCE: ENGINEER,
}
"""The least of our roles that has the right."""


@dataclass(frozen=True)
class Caller:
    """An authenticated user. `name` is recorded in the audit log."""

    name: str
    rights: frozenset[Right]


class NotAuthenticated(Exception):  # noqa: N818 - an answer, not an error
    """The request has no valid token or cookie."""


class LoginUnavailableError(Exception):
    """Airflow could not identify the caller: its own database does not respond. The cause has the details."""


Authenticate = Callable[[Request], Awaitable[Caller]]
"""Finds out who calls; raises NotAuthenticated."""
