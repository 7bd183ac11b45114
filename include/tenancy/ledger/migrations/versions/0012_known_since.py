"""Known since: the age of recorded causes, and what keeps the activity that is under way."""

from tenancy.ledger.migrations.scripts import run

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run(__file__)
