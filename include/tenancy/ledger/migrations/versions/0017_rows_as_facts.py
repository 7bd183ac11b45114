"""Columns of tenants that 0012 had left empty, as their facts fold: the drift check compares every column."""

from tenancy.ledger.migrations.scripts import run

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run(__file__)
