"""Pokes, beats, answers by idempotency key."""

from tenancy.ledger.migrations.scripts import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run(__file__)
