"""Brings the ledger's tables up to date and grants the writing role its rights.

Called at installation and at upgrades, as the server's administrator, after `databases.ensure` has created the roles.
Safe to run again, also while Tenancy runs.
"""

import psycopg
from psycopg import sql

from installation.role_names import LEDGER, LEDGER_OWNER
from tenancy.ledger.migrations import upgrade


def prepare(administrator_dsn: str, *, owner: str = LEDGER_OWNER, writer: str = LEDGER) -> None:
    """`administrator_dsn` leads into the ledger's database, as a superuser or a member of both roles."""
    _hand_over(administrator_dsn, writer, owner)
    upgrade(administrator_dsn, owner=owner, writer=writer)


def _hand_over(administrator_dsn: str, writer: str, owner: str) -> None:
    """Up to version 0.1 the writing role owned the tables."""
    with psycopg.connect(administrator_dsn, autocommit=True) as connection:
        change = sql.SQL("REASSIGN OWNED BY {} TO {}")
        connection.execute(change.format(sql.Identifier(writer), sql.Identifier(owner)))
