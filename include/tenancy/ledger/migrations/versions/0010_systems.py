"""The system, region and connection of each resource."""

from tenancy.ledger.migrations.scripts import run

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run(__file__)
