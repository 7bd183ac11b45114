"""What somebody is to be told."""

from tenancy.ledger.migrations.scripts import run

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run(__file__)
