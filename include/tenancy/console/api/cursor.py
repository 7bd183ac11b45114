"""The cursor of a list: an opaque text that marks the end of a page."""

import base64
import binascii
from datetime import UTC, datetime
from uuid import UUID

from tenancy.console.api.problems import ProblemError
from tenancy.ledger.tenant_summaries import PagePosition


def encode(place: PagePosition) -> str:
    """The position as a cursor."""
    text = f"{place.created_at.astimezone(UTC).isoformat()} {place.tenant_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str) -> PagePosition:
    """The position of a cursor; 400 when it is none of ours."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        at, tenant_id = text.split(" ")
        return PagePosition(_instant(at), UUID(tenant_id))
    except (ValueError, binascii.Error, OverflowError) as error:
        raise ProblemError(400, "cursor: is none of ours; begin without one.", field="cursor") from error


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("no time zone")
    return at.astimezone(UTC)
