"""Lets a tenant's clocks run ahead, so that nobody waits for the runbook's minutes. For tests only."""

from datetime import timedelta

import psycopg

from sandbox.access import Access


def age(access: Access, slug: str, minutes: float) -> None:
    """All that its row says happened so many minutes earlier: the clocks are no part of what facts fold to."""
    statement = """update ledger.tenant
                      set state_since = state_since - %(by)s, activity_since = activity_since - %(by)s
                    where slug = %(slug)s"""
    with psycopg.connect(access.superuser_dsn("platform", "ledger"), autocommit=True) as connection:
        connection.execute(statement, {"by": timedelta(minutes=minutes), "slug": slug})
