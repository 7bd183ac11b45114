"""Notifiers for our alerts: Slack's incoming webhooks, mail, any webhook. An Airflow connection configures each.

Texts of alerts come from errors and from people: templates get them as values, never as templates.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.bases.notifier import BaseNotifier
from airflow.sdk.exceptions import AirflowTaskTimeout
from airflow.sdk.execution_time.timeout import timeout

from tenancy.adapters.webhook import SECONDS, post
from tenancy.engine.notifications.alert_messages import Message
from tenancy.engine.notifications.deliver_alerts import FIRST_RETRY, Channel
from tenancy.ledger.alerts import Delivery
from tenancy.saga.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from airflow.sdk import Context

MessageFactory = Callable[[Delivery], Message]
_KEY_HEADER: Final = "X-Tenancy-Alert"


class WebhookNotifier(BaseNotifier):
    """Posts the alert as JSON. The connection's password, if it has one, is a bearer token."""

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._connection = connection

    def notify(self, context: "Context") -> None:
        message: Message = context["message"]
        token = self._connection.password
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        post(url_of(self._connection), message.webhook(), {**headers, "Idempotency-Key": message.delivery.alert.key})


class SlackNotifier(BaseNotifier):
    """Posts the alert to Slack. The connection's password is the secret end of the address, or the whole of it."""

    def __init__(self, connection: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._connection = connection

    def notify(self, context: "Context") -> None:
        message: Message = context["message"]
        secret = self._connection.password or ""
        url = secret if "://" in secret else f"{url_of(self._connection).rstrip('/')}/{secret.lstrip('/')}"
        post(url, message.slack(), {})


def smtp_notifier(connection: Any) -> BaseNotifier:
    """Airflow's own notifier; its provider reads the server's settings from the connection."""
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier  # 0.2 s

    to = connection.extra_dejson.get("to")
    if not to:
        raise PermanentError(f'The connection {connection.conn_id} names nobody: its extra needs "to".')
    return SmtpNotifier(
        to=to,
        subject="{{ message.subject }}",
        html_content="{{ message.html() }}",
        custom_headers={_KEY_HEADER: "{{ message.delivery.alert.key }}"},
        smtp_conn_id=connection.conn_id,
    )


_NOTIFIERS: Final[dict[str, Callable[[Any], BaseNotifier]]] = {
    "slack": SlackNotifier,
    "smtp": smtp_notifier,
    "webhook": WebhookNotifier,
}


def channel(name: str, connection: Any, write: MessageFactory) -> Channel:
    """The channel of this name. With a connection that cannot be used, each delivery fails with that error."""

    def send(delivery: Delivery) -> None:
        if isinstance(connection, Exception):
            raise connection
        notifier = _NOTIFIERS[name](connection)
        _with_timeout(lambda: notifier({"message": write(delivery)}))

    return Channel(send, _first_retry(connection))


def url_of(connection: Any) -> str:
    """The URL: the host field if that is a whole URL, else built from schema, host and port."""
    host = connection.host or ""
    if "://" in host:
        return str(host)
    port = f":{connection.port}" if connection.port else ""
    return f"{connection.schema or 'https'}://{host}{port}" if host else ""


def _with_timeout(send: Callable[[], None]) -> None:
    try:
        with timeout(seconds=SECONDS):
            send()
    except AirflowTaskTimeout:
        raise TransientError(f"It did not respond within {SECONDS:.0f} s.") from None


def _first_retry(connection: Any) -> timedelta:
    """`retry_seconds` of the connection's extra."""
    given = {} if isinstance(connection, Exception) else connection.extra_dejson
    try:
        seconds = float(given.get("retry_seconds", 0))
    except (TypeError, ValueError):
        seconds = 0
    return timedelta(seconds=seconds) if seconds > 0 else FIRST_RETRY
