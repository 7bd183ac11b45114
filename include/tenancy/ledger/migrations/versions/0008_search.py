"""Search by slug, name and id."""

from tenancy.ledger.migrations.scripts import run

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run(__file__)
