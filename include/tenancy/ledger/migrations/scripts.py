"""Runs the SQL script of a revision: `sql/<the name of its file>.sql`."""

from pathlib import Path

from alembic import op

_SQL = Path(__file__).parent / "sql"


def run(revision_file: str) -> None:
    """Called by a revision's `upgrade`, within its transaction."""
    script = (_SQL / f"{Path(revision_file).stem}.sql").read_text()
    # By the driver itself: SQLAlchemy would take the script's percent signs for parameters.
    driver_connection = op.get_bind().connection.driver_connection
    assert driver_connection is not None  # it is checked out
    driver_connection.execute(script)
