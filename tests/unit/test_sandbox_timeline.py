"""The demo's timeline, one line for each activity."""

from datetime import UTC, datetime

from sandbox.timeline_view import line
from tenancy.ledger.timeline import ActivityRow, RowStatus
from tenancy.saga.names import ActivityName

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_activity_has_its_label() -> None:
    assert "Validate request" in line(ActivityRow(ActivityName("validate_request"), RowStatus.DONE), NOW)


def test_an_activity_that_left_the_products_file_has_its_name() -> None:
    assert "create_mailbox" in line(ActivityRow(ActivityName("create_mailbox"), RowStatus.DONE), NOW)
