"""The cursor: where a page ended comes back as it was, and nothing else is believed."""

import base64
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenancy.console.api import cursor
from tenancy.console.api.problems import ProblemError
from tenancy.ledger.tenant_summaries import PagePosition


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_place_comes_back_as_it_was(at: datetime, tenant_id: UUID):
    assert cursor.decode(cursor.encode(PagePosition(at, tenant_id))) == PagePosition(at, tenant_id)


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "x",
        "ä",
        "\0",
        "AAAA" * 50,
        _encoded("2026-01-31"),
        _encoded("2026-01-31T00:00:00 018f0000-0000-7000-8000-00000000acae"),
        _encoded("0001-01-01T00:00:00+14:00 018f0000-0000-7000-8000-00000000acae"),
        _encoded("2026-01-31T00:00:00+00:00 nobody"),
        _encoded("2026-01-31T00:00:00+00:00 018f0000-0000-7000-8000-00000000acae more"),
    ],
)
def test_what_is_no_cursor_is_refused_with_its_field(text: str):
    with pytest.raises(ProblemError) as refused:
        cursor.decode(text)
    assert (refused.value.status, refused.value.field) == (400, "cursor")


@given(st.text(max_size=200))
def test_no_text_does_more_than_be_refused(text: str):
    with suppress(ProblemError):
        cursor.decode(text)
