"""Whether a channel accepted an escalation."""

from tenancy.ledger.migrations.scripts import run

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run(__file__)
