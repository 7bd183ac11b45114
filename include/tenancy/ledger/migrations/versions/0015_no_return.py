"""The point of no return, in the tenant's row."""

from tenancy.ledger.migrations.scripts import run

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run(__file__)
