"""Signed heads of the facts' chains."""

from tenancy.ledger.migrations.scripts import run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run(__file__)
