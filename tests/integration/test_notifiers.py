"""Each channel against a real server of its kind, entered by the Airflow connection that makes it one."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tenancy import bootstrap
from tenancy.engine.notifications.alert_messages import Message
from tenancy.ledger.alerts import Alert, Delivery
from tenancy.orchestration import notifiers
from tenancy.saga.errors import PermanentError, PlatformError, TransientError
from tests.notification_receivers import Endpoint, closed_port, http_endpoint, smtp_endpoint
from tests.unit.sagas import TENANT

AT = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)
ALERT = Alert("stall:1", "Tenant acme is stalled.", "{{ 7*7 }} & {% bad", TENANT, "/tenancy/tenants/1", {"cause": "x"})
DELIVERY = Delivery(ALERT, "acme", AT, "webhook", 1)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with http_endpoint() as answering:
        yield answering


@pytest.fixture(autouse=True)
def _ledger_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is there in every platform; bootstrap asks for it to find out whether Airflow answers at all."""
    monkeypatch.setenv("AIRFLOW_CONN_TENANCY_LEDGER", '{"conn_type": "postgres"}')


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_connection(channel: str, **connection: Any) -> None:
        as_json = json.dumps({"conn_type": "generic", **connection})
        monkeypatch.setenv(f"AIRFLOW_CONN_{bootstrap.NOTIFY_CONNECTIONS[channel].upper()}", as_json)

    return set_connection


def tell(channel: str, delivery: Delivery = DELIVERY) -> None:
    connection = bootstrap.notify_connections()[channel]
    url = "https://airflow.example/tenancy/tenants/1"
    notifiers.channel(channel, connection, lambda delivery: Message(delivery, url, "test")).send(delivery)


def test_without_connections_there_are_no_channels(connect: Any):
    assert bootstrap.notify_connections() == {}
    connect("slack", host="https://hooks.slack.example")
    assert list(bootstrap.notify_connections()) == ["slack"]


def test_a_silent_airflow_is_not_taken_for_one_without_connections(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("AIRFLOW_CONN_TENANCY_LEDGER")
    with pytest.raises(PlatformError, match="does not respond"):
        bootstrap.notify_connections()


def test_a_webhook_gets_the_alert_with_its_key_and_token(connect: Any, endpoint: Endpoint):
    connect("webhook", host=f"{endpoint.url}/hooks/7?a=b", password="geheim")
    tell("webhook")
    (received,) = endpoint.received
    assert received.path == "/hooks/7?a=b"
    assert received.headers["authorization"] == "Bearer geheim"
    assert received.headers["idempotency-key"] == "stall:1"
    body = json.loads(received.body)
    assert (body["key"], body["text"], body["tenant"]["slug"]) == ("stall:1", ALERT.text, "acme")


def test_an_address_may_be_made_of_its_parts(connect: Any, endpoint: Endpoint):
    connect("webhook", schema="http", host="127.0.0.1", port=endpoint.port)
    tell("webhook")
    assert len(endpoint.received) == 1
    assert "authorization" not in endpoint.received[0].headers


@pytest.mark.parametrize("whole", [True, False])
def test_slacks_secret_address_is_the_password_or_the_end_of_it(connect: Any, endpoint: Endpoint, whole: bool):
    if whole:
        connect("slack", password=f"{endpoint.url}/services/T1/B2/x3")
    else:
        connect("slack", host=f"{endpoint.url}/services", password="T1/B2/x3")
    tell("slack")
    (received,) = endpoint.received
    assert received.path == "/services/T1/B2/x3"
    assert json.loads(received.body)["text"].startswith("*Tenant acme is stalled.*\n{{ 7*7 }} &amp; {% bad\n")


def test_a_mail_says_what_was_said_and_is_no_template(connect: Any):
    with smtp_endpoint() as mailbox:
        extra = {"to": "ops@example.com", "from_email": "t@example.com", "disable_ssl": True, "disable_tls": True}
        connect("smtp", conn_type="smtp", host="127.0.0.1", port=mailbox.port, extra=extra)
        tell("smtp", replace(DELIVERY, alert=replace(ALERT, subject="Acme {{ 7*7 }}\r\nBcc: all@example.com")))
    (mail,) = mailbox.mails
    assert mail["Subject"] == "Acme {{ 7*7 }} Bcc: all@example.com"
    assert (mail["To"], mail["From"], mail["Bcc"]) == ("ops@example.com", "t@example.com", None)
    assert mail["X-Tenancy-Alert"] == "stall:1"
    body = mail.get_body()
    assert body is not None
    assert "{{ 7*7 }} &amp; {% bad" in body.get_content()
    assert "https://airflow.example/tenancy/tenants/1" in body.get_content()


def test_a_mail_to_nobody_says_what_is_missing(connect: Any):
    connect("smtp", conn_type="smtp", host="127.0.0.1")
    with pytest.raises(PermanentError, match='tenancy_notify_smtp names nobody: its extra needs "to"'):
        tell("smtp")


@pytest.mark.parametrize("status", [302, 400, 401, 404, 500])
def test_a_receiver_that_refuses_it_is_named_without_the_secret(connect: Any, endpoint: Endpoint, status: int):
    endpoint.status = status
    connect("slack", password=f"{endpoint.url}/services/T1/B2/x3")
    with pytest.raises(PermanentError, match=rf"^127.0.0.1:\d+ answered {status}\.$"):
        tell("slack")


def test_a_missing_receiver_is_reported_without_the_secret(connect: Any, caplog: pytest.LogCaptureFixture):
    connect("slack", password=f"http://127.0.0.1:{closed_port()}/services/T1/B2/x3")
    with caplog.at_level(logging.DEBUG), pytest.raises(TransientError, match=r"does not respond \(ConnectError\)\.$"):
        tell("slack")
    assert "x3" not in caplog.text


def test_a_receiver_that_accepts_and_does_not_respond_is_abandoned_after_some_seconds(
    connect: Any, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(notifiers, "SECONDS", 0.5)
    endpoint.silent = True
    connect("webhook", host=endpoint.url)
    with pytest.raises(TransientError, match="did not respond within"):
        tell("webhook")


@pytest.mark.parametrize("host", ["", "ftp://example.com", "http://", "http://a:b/secret"])
def test_what_is_no_address_is_reported(connect: Any, host: str):
    connect("webhook", host=host)
    with pytest.raises(PermanentError, match="no address that begins with http"):
        tell("webhook")


def test_a_connection_that_cannot_be_used_is_an_error_at_each_try():
    broken = notifiers.channel("slack", PermanentError("cannot be used"), lambda delivery: Message(delivery, "", ""))
    with pytest.raises(PermanentError, match="cannot be used"):
        broken.send(DELIVERY)


def test_the_consoles_address_is_in_airflows_settings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example/")
    assert bootstrap.console_url("/tenancy/tenants/1") == "https://airflow.example/tenancy/tenants/1"


@pytest.mark.parametrize(("given", "seconds"), [(2, 2), ("0.5", 0.5), (None, 30), ("soon", 30), (-1, 30)])
def test_how_soon_it_is_tried_again_is_in_the_connection(connect: Any, given: Any, seconds: float):
    connect("webhook", host="http://127.0.0.1", extra={"retry_seconds": given})
    connection = bootstrap.notify_connections()["webhook"]
    found = notifiers.channel("webhook", connection, lambda delivery: Message(delivery, "", ""))
    assert found.first_retry.total_seconds() == seconds
