"""Pokes of deadlines that passed."""

from tenancy.ledger.migrations.scripts import run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run(__file__)
