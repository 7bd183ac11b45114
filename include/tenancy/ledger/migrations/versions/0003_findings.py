"""What reality checks found."""

from tenancy.ledger.migrations.scripts import run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run(__file__)
