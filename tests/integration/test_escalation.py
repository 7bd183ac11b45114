"""Escalate really notifies, with the capture list; and pages say what became of the message, not what was hoped."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from tenancy.engine.actions import actions
from tenancy.engine.notifications.deliver_alerts import Channel, deliver
from tenancy.engine.reconciliation.reconcile import reconcile
from tenancy.engine.recovery.escalation import outcome
from tenancy.ledger.alerts import Delivery
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.escalations import load_escalation
from tenancy.ledger.ledger import Ledger
from tenancy.ledger.tenant_statuses import status_of
from tenancy.saga import commands as c
from tenancy.saga import facts as f
from tenancy.saga.errors import TransientError
from tests.integration.console_client import Console
from tests.integration.engine_harness import EngineHarness
from tests.real_systems import request, superuser
from tests.unit.sagas import HANDLE, SCHEMA, STORAGE, VALIDATE, begin, done, fail, give_up, start

GRACE = Stamp("grace", reason="INC-7: the image is not there")


@dataclass
class Channels:
    """Channels that note what they took, at a time that the test moves."""

    console: Console
    names: tuple[str, ...] = ("slack", "smtp")
    dead: set[str] = field(default_factory=set)
    later: timedelta = timedelta()
    took: list[tuple[str, Delivery]] = field(default_factory=list)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.console.ledger._dsn, clock=lambda: self.console.now + self.later)

    def deliver(self) -> None:
        deliver(self.ledger, {name: Channel(self._take(name)) for name in self.names})

    def _take(self, name: str) -> Callable[[Delivery], None]:
        def take(delivery: Delivery) -> None:
            if name in self.dead:
                raise TransientError("It did not respond within 5 s.")
            self.took.append((name, delivery))

        return take


@pytest.fixture
def channels(console: Console) -> Channels:
    """Before a tenant that failed at its schema."""
    at_schema = (*done(VALIDATE, STORAGE, HANDLE), begin(SCHEMA))
    console.tenant(start(), *at_schema, fail(SCHEMA), give_up(SCHEMA))
    return Channels(console)


def _escalate(console: Console) -> None:
    with console.ledger.open("test") as session:
        tenant_id = session.tenant_of_slug("acme")
    assert tenant_id is not None
    actions.escalate(replace(console.tenancy, ledger=_now(console)), tenant_id, by=GRACE)


def _now(console: Console) -> Ledger:
    return Ledger(console.ledger._dsn, clock=lambda: console.now)


def _says(channels: Channels) -> str:
    """The tenant's own page, as of now."""
    with channels.ledger.open("test") as session:
        tenant_id = session.tenant_of_slug("acme")
        assert tenant_id is not None
        found = load_escalation(session, tenant_id)
    return outcome(found, channels.console.now + channels.later) if found else ""


def test_each_channel_gets_what_the_runbook_asks_to_capture(channels: Channels):
    _escalate(channels.console)
    channels.deliver()
    assert [name for name, _ in channels.took] == ["slack", "smtp"]
    alert = channels.took[0][1].alert
    assert alert.subject.startswith("Tenant acme (eu) was escalated by grace at 2026-02-01 01:00 UTC.")
    for words in (
        "Reason: INC-7: the image is not there",
        f"Tenant id: {alert.tenant_id}",
        "Slug: acme",
        "State: Failed unwinding",
        "Last successful activity: Allocate workflow handle",
        "Error: Apply per-tenant schema: no answer",
        "Tried: cancel never, reset never, retry never",
    ):
        assert words in alert.text
    assert alert.path == f"/tenancy/tenants/{alert.tenant_id}"
    assert alert.details["last_successful_activity"] == "Allocate workflow handle"


def test_what_was_tried_is_counted_and_listed_with_its_result(channels: Channels):
    channels.console.tenant(c.Cancel(), c.Cancel())
    _escalate(channels.console)
    channels.deliver()
    alert = channels.took[0][1].alert
    assert alert.text.endswith(f"Tried: {alert.details['tried']}")
    counted, first, second = alert.details["tried"].splitlines()
    assert counted == "cancel 2 times, reset never, retry never"
    assert re.fullmatch(r"- cancel at \S+ \S+ UTC by ada \(because\): not done when it was repeated at \S+", first)
    assert re.fullmatch(r"- cancel at \S+ \S+ UTC by ada \(because\): still under way", second)


def test_the_console_says_which_channel_accepted_it_and_when(channels: Channels):
    _escalate(channels.console)
    assert _says(channels) == "Escalated; the message to platform engineering is being sent, usually within a minute."
    channels.deliver()
    assert _says(channels) == (
        "Escalated; sent to Slack at 01:00 UTC on 2026-02-01 and email at 01:00 UTC on 2026-02-01."
    )
    assert "sent to Slack at 01:00 UTC" in channels.console.get("/tenants/acme").text


def test_without_a_channel_the_operator_is_asked_to_tell_platform_engineering(channels: Channels):
    channels.names = ()
    _escalate(channels.console)
    channels.deliver()
    message = _says(channels)
    assert "no channel is configured, so nothing was sent: tell platform engineering yourself" in message


def test_a_channel_that_does_not_accept_it_is_named_and_one_that_does_is_enough(channels: Channels):
    channels.dead = {"slack", "smtp"}
    _escalate(channels.console)
    channels.deliver()
    assert "not sent yet: Slack did not accept it (It did not respond within 5 s)." in _says(channels)
    channels.dead, channels.later = {"slack"}, timedelta(minutes=1)
    channels.deliver()
    assert _says(channels) == "Escalated; sent to email at 01:01 UTC on 2026-02-01."


def test_one_that_is_never_accepted_is_given_up_and_says_so(channels: Channels):
    channels.dead = {"slack", "smtp"}
    _escalate(channels.console)
    for hours in range(0, 26, 5):
        channels.later = timedelta(hours=hours)
        channels.deliver()
    assert "It is not tried again: tell platform engineering yourself" in _says(channels)


def test_one_that_nothing_sends_says_so(channels: Channels):
    _escalate(channels.console)
    channels.later = timedelta(minutes=6)
    assert "not sent for 6 min: tell platform engineering yourself" in _says(channels)


def test_an_escalation_is_sent_once_and_each_further_one_too(channels: Channels):
    _escalate(channels.console)
    for _ in range(2):
        channels.deliver()
    assert len(channels.took) == 2
    _escalate(channels.console)
    channels.deliver()
    assert len(channels.took) == 4


@pytest.mark.parametrize(
    ("names", "dead", "silenced"),
    [((), (), False), (("slack",), ("slack",), False), (("slack", "smtp"), ("slack",), True)],
)
def test_a_neglected_tenant_is_reported_unless_a_channel_accepted_the_escalation(
    channels: Channels, names: tuple[str, ...], dead: tuple[str, ...], silenced: bool
):
    channels.names, channels.dead = names, set(dead)
    _escalate(channels.console)
    channels.deliver()
    with channels.ledger.open("test") as session:
        (row,) = session.rows("tenant_statuses")
    how = status_of(row)
    assert (how.escalated, how.escalation_sent) == (True, silenced)


@pytest.fixture
def failed(harness: EngineHarness) -> EngineHarness:
    """A tenant that was cancelled and rests."""
    actions.create(harness.tenancy, request(), by=Stamp("grace"))
    actions.cancel(harness.tenancy, harness.tenant_id, by=Stamp("grace"))
    return harness


def test_the_reconciler_makes_good_what_the_action_left_undone(failed: EngineHarness):
    with failed.tenancy.ledger.open("test") as session:
        session.record(failed.tenant_id, c.Escalate(), stamp=GRACE)
    reconcile(failed.tenancy)
    reconcile(failed.tenancy)
    with superuser(failed.server, failed.ledger.dbname) as connection:
        rows = connection.execute("select key from ledger.alert where key like 'escalation:%'").fetchall()
    assert len(rows) == 1


def test_the_fact_says_which_channels_accepted_it(channels: Channels):
    _escalate(channels.console)
    channels.deliver()
    with channels.ledger.open("test") as session:
        tenant_id = session.tenant_of_slug("acme")
        assert tenant_id is not None
        sent = [
            (each.fact.channel, each.stamp.actor)
            for each in session.envelopes(tenant_id)
            if isinstance(each.fact, f.EscalationSent)
        ]
    assert sent == [("slack", "notifications"), ("smtp", "notifications")]
