"""Search in the composed form of Unicode."""

from tenancy.ledger.migrations.scripts import run

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run(__file__)
