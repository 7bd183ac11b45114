"""The product, in the rows of tenants and incident groups."""

from tenancy.ledger.migrations.scripts import run

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run(__file__)
