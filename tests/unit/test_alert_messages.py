"""What people are told: each channel's form of an alert, and when one that was not taken is tried again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tenancy.engine.notifications.alert_messages import Message, group_alert, stall_alert
from tenancy.engine.notifications.deliver_alerts import FIRST_RETRY, SLOWEST_RETRY, TRIED_FOR, next_try_at
from tenancy.ledger.alerts import Delivery
from tenancy.saga.names import TenantId

SINCE = datetime(2026, 2, 1, 14, 2, 59, tzinfo=UTC)
TENANT = TenantId(UUID(int=7))
ALERT = stall_alert(
    key="stall:7:1",
    tenant_id=TENANT,
    slug="acme",
    region="eu-central",
    what="is stalled at Allocate storage",
    since=SINCE,
    cause="PostgreSQL of eu-central has no slot left.",
    next_action="Wait 5 minutes, then Cancel.",
    details={"activity": "allocate_storage", "cause": "storage.no_slots"},
)
LETTER = Delivery(ALERT, "acme", SINCE, "webhook", 1)
URL = "https://airflow.example/tenancy/tenants/7"


def message(**changes: str) -> Message:
    return Message(replace(LETTER, alert=replace(ALERT, **changes)), URL, "test")


def test_a_stalls_alert_has_what_where_since_when_why_and_what_to_do():
    assert ALERT.subject == "Tenant acme (eu-central) is stalled at Allocate storage, since 2026-02-01 14:02 UTC."
    assert ALERT.text == "PostgreSQL of eu-central has no slot left.\nNext: Wait 5 minutes, then Cancel."
    assert ALERT.path == f"/tenancy/tenants/{TENANT}"
    assert ALERT.details["since"] == "2026-02-01T14:02:59Z"


def test_an_incident_group_is_reported_once_for_all_its_tenants():
    alert = group_alert(
        key="class:1",
        tenants=60,
        what="are stalled at Apply per-tenant schema",
        since=SINCE,
        cause="The revision 0003 fails.",
        next_action="Escalate once.",
        path="/tenancy/?attention=true",
        details={"cause": "schema.migration"},
    )
    what = "60 tenants are stalled at Apply per-tenant schema"
    assert alert.subject == f"A class issue: {what} for one cause, since 2026-02-01 14:02 UTC."
    assert (alert.tenant_id, alert.path) == (None, "/tenancy/?attention=true")
    assert Message(Delivery(alert, "", SINCE, "webhook", 1), URL, "test").webhook()["tenant"] is None


def test_a_webhook_gets_fields_that_distinguish_alerts():
    assert message().webhook() == {
        "version": 1,
        "key": "stall:7:1",
        "platform": "test",
        "raised_at": "2026-02-01T14:02:59Z",
        "subject": ALERT.subject,
        "text": ALERT.text,
        "url": URL,
        "tenant": {"id": str(TENANT), "slug": "acme"},
        "details": {"activity": "allocate_storage", "cause": "storage.no_slots", "since": "2026-02-01T14:02:59Z"},
    }


def test_slack_gets_a_link_and_the_key():
    lines = message().slack()["text"].splitlines()
    assert lines[0] == f"*{ALERT.subject}*"
    assert lines[1:3] == ALERT.text.splitlines()
    assert lines[3:] == [f"<{URL}|Open it in the console>", f"_tenant acme ({TENANT}), platform test, stall:7:1_"]


def test_what_an_error_says_becomes_no_mention_and_no_markup():
    evil = message(text="<!channel> & <script>alert(1)</script>", subject="<b>\nBcc: everybody@example.com")
    assert "<!channel>" not in evil.slack()["text"]
    assert "&lt;!channel&gt; &amp; " in evil.slack()["text"]
    assert "<script>" not in evil.html()
    assert evil.subject == "<b> Bcc: everybody@example.com"


def test_a_mail_has_the_link():
    assert f'<a href="{URL}">{URL}</a>' in message().html()


@pytest.mark.parametrize(("tries", "wait"), [(1, 30), (2, 60), (3, 120), (5, 480), (6, 900), (50, 900), (5000, 900)])
def test_a_letter_that_was_not_taken_waits_longer_each_time(tries: int, wait: int):
    assert next_try_at(replace(LETTER, tries=tries), SINCE) == SINCE + timedelta(seconds=wait)


def test_it_is_given_up_after_a_day():
    last = SINCE + TRIED_FOR - SLOWEST_RETRY
    assert next_try_at(replace(LETTER, tries=90), last - timedelta(seconds=1)) is not None
    assert next_try_at(replace(LETTER, tries=90), last) is None


def test_a_channel_may_be_tried_sooner():
    assert next_try_at(LETTER, SINCE, timedelta(seconds=1)) == SINCE + timedelta(seconds=1)
    assert timedelta(seconds=30) == FIRST_RETRY
