"""The clocks by which a stall is judged, and the one that is open."""

from tenancy.ledger.migrations.scripts import run

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run(__file__)
