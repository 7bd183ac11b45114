"""Pokes of deadlines that passed."""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    script = (Path(__file__).parents[1] / "sql" / "0009_deadlines.sql").read_text()
    # By the driver itself: SQLAlchemy would take the script's percent signs for parameters.
    driver_connection = op.get_bind().connection.driver_connection
    assert driver_connection is not None  # it is checked out
    driver_connection.execute(script)
