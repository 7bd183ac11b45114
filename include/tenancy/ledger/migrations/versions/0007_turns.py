"""Turns: since when a tenant no longer waits for its turn."""

from tenancy.ledger.migrations.scripts import run

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run(__file__)
