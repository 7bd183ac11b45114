"""Classes of stall: what makes one, and which there are."""

from tenancy.ledger.migrations.scripts import run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run(__file__)
