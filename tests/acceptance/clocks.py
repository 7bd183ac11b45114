"""Backdates a tenant's clocks, so that a test need not wait for the runbook's minutes."""

from datetime import timedelta

import psycopg
from psycopg import sql

from sandbox.access import Access


def backdate(access: Access, slug: str, minutes: float, *clocks: str) -> None:
    """Move these clocks of its row back by some minutes. None of them is folded from facts."""
    changes = sql.SQL(", ").join(
        sql.SQL("{0} = {0} - %(by)s").format(sql.Identifier(clock))
        for clock in clocks or ("state_since", "activity_since")
    )
    statement = sql.SQL("update ledger.tenant set {} where slug = %(slug)s").format(changes)
    with psycopg.connect(access.superuser_dsn("platform", "ledger"), autocommit=True) as connection:
        connection.execute(statement, {"by": timedelta(minutes=minutes), "slug": slug})
