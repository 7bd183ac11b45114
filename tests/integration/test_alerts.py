"""The outbox: a message a key, each channel by itself, at least once, and nothing that lasts for ever."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.postgres import PostgresServer
from tenancy.adapters.dsn import Dsn
from tenancy.engine.notifications.deliver_alerts import Channel, deliver
from tenancy.ledger import alerts
from tenancy.ledger.alerts import Alert, ChannelState, Delivery
from tenancy.ledger.envelope import Stamp
from tenancy.ledger.ledger import Ledger, LedgerSession
from tenancy.saga.errors import TransientError
from tests.real_systems import superuser
from tests.unit.sagas import TENANT, start

NOW = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
ALERT = Alert("stall:1", "Acme is stalled.", "Because.", TENANT, "/tenancy/tenants/1", {"cause": "unknown"})


@dataclass
class Office:
    """The outbox at a time that the test moves, and channels that note what they took."""

    dsn: Dsn
    now: datetime = NOW
    took: list[tuple[str, str]] = field(default_factory=list)
    dead: set[str] = field(default_factory=set)
    channels: tuple[str, ...] = ("slack", "webhook")

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.dsn, clock=lambda: self.now)

    def raised(self, *keys: str) -> None:
        with self.ledger.open("test") as session:
            for key in keys:
                alerts.raise_alert(session, Alert(key, f"About {key}.", "Because."))

    def deliver(self, *, later: timedelta = timedelta()) -> str:
        self.now += later
        return deliver(self.ledger, {name: Channel(self._take(name)) for name in self.channels})

    def _take(self, name: str) -> Callable[[Delivery], None]:
        def take(delivery: Delivery) -> None:
            if name in self.dead:
                raise TransientError("nobody answers")
            self.took.append((name, delivery.alert.key))

        return take

    def look(self, look: Callable[[LedgerSession], object]) -> object:
        with self.ledger.open("test") as session:
            return look(session)

    @property
    def due(self) -> bool:
        return bool(self.look(alerts.has_due_alerts))


@pytest.fixture
def office(ledger_dsn: Dsn) -> Office:
    return Office(ledger_dsn)


@pytest.fixture
def session(office: Office) -> Iterator[LedgerSession]:
    with office.ledger.open("test") as opened:
        yield opened


def test_a_key_is_reported_once_however_often_it_is_raised(office: Office):
    office.raised("a", "a")
    assert office.due
    assert office.deliver() == "2 sent"
    office.raised("a")
    assert (office.deliver(), office.due) == ("nothing to send", False)
    assert sorted(office.took) == [("slack", "a"), ("webhook", "a")]


def test_a_delivery_has_all_that_was_recorded_and_the_tenants_slug(session: LedgerSession):
    session.record(TENANT, start(), stamp=Stamp("ada"))
    alerts.raise_alert(session, ALERT)
    alerts.address_alerts(session, ["smtp"])
    delivery = alerts.claim_delivery(session, ["smtp"])
    assert delivery == Delivery(ALERT, "acme", NOW, "smtp", 1)
    assert alerts.claim_delivery(session, ["smtp"]) is None


def test_what_was_raised_in_a_transaction_that_fails_was_not(session: LedgerSession):
    def fail() -> None:
        with session.admission():
            alerts.raise_alert(session, ALERT)
            assert alerts.has_due_alerts(session)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not alerts.has_due_alerts(session)


def test_a_dead_channel_is_tried_again_later_and_holds_up_no_other(office: Office):
    office.dead = {"slack"}
    office.raised("a")
    assert office.deliver() == "1 put off, 1 sent"
    assert not office.due
    assert office.deliver(later=timedelta(seconds=30)) == "1 put off"
    assert office.deliver(later=timedelta(seconds=59)) == "nothing to send"
    office.dead = set()
    assert office.deliver(later=timedelta(seconds=1)) == "1 sent"
    assert office.took == [("webhook", "a"), ("slack", "a")]


def test_many_deliveries_to_a_dead_channel_cost_one_try_a_pass(office: Office):
    office.dead = {"slack"}
    office.raised(*(f"a{number}" for number in range(5)))
    assert office.deliver() == "1 put off, 5 sent"
    assert office.look(alerts.load_channel_states) == [ChannelState("slack", 5, 0), ChannelState("webhook", 0, 0)]


def test_after_a_day_it_is_given_up_and_says_why(office: Office, fast_server: PostgresServer):
    office.dead, office.channels = {"slack"}, ("slack",)
    office.raised("a")
    office.deliver()
    assert office.deliver(later=timedelta(hours=23, minutes=59, seconds=45)) == "1 given up"
    assert not office.due
    assert office.look(alerts.load_channel_states) == [ChannelState("slack", 0, 1)]
    with superuser(fast_server, office.dsn.dbname) as connection:
        (row,) = connection.execute("select tries, last_error from ledger.delivery").fetchall()
    assert row == {"tries": 2, "last_error": "nobody answers"}


def test_a_sender_that_died_is_taken_over_a_minute_later(office: Office):
    office.raised("a")
    office.look(lambda session: alerts.address_alerts(session, ["slack"]))
    office.look(lambda session: alerts.claim_delivery(session, ["slack"]))
    assert office.deliver(later=timedelta(seconds=59)) == "nothing to send"
    assert office.deliver(later=timedelta(seconds=1)) == "1 sent"


def test_two_senders_never_send_the_same_alert(office: Office):
    office.raised(*(f"a{number}" for number in range(10)))
    senders = [threading.Thread(target=office.deliver) for _ in range(3)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert len(office.took) == len(set(office.took)) == 20


def test_without_a_channel_no_alert_is_sent_and_none_waits(office: Office):
    office.channels = ()
    office.raised("a")
    assert office.deliver() == "not sent: no channel has a connection"
    assert (office.due, office.look(alerts.count_undeliverable)) == (False, 1)
    office.channels = ("slack",)
    assert office.deliver(later=timedelta(minutes=1)) == "nothing to send"
    assert office.look(alerts.count_undeliverable) == 1


def test_what_waits_for_a_channel_that_was_taken_away_is_given_up(office: Office):
    office.dead = {"slack"}
    office.raised("a")
    office.deliver()
    office.channels = ("webhook",)
    office.deliver(later=timedelta(minutes=1))
    assert not office.due
    assert office.look(alerts.load_channel_states) == [ChannelState("slack", 0, 1), ChannelState("webhook", 0, 0)]


def test_a_pass_sends_a_bounded_number_and_the_next_continues(office: Office):
    office.channels = ("slack",)
    office.raised(*(f"a{number:02}" for number in range(25)))
    assert (office.deliver(), office.due) == ("20 sent", True)
    assert (office.deliver(), office.due) == ("5 sent", False)


def test_after_thirty_days_it_is_forgotten(office: Office):
    office.raised("a")
    office.deliver()
    office.deliver(later=timedelta(days=31))
    assert office.look(alerts.load_channel_states) == []
