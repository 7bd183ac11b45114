"""Facts, tenants, runs and resources."""

from tenancy.ledger.migrations.scripts import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    run(__file__)
