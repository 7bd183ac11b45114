"""When alerts are sent: the reconciler only checks whether any are due; a DAG of its own sends them.

So no slow channel delays the reconciler.
"""

import logging
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import Asset, AssetAlias, BaseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from tenancy.ledger.ledger import Ledger

log = logging.getLogger(__name__)

ALERTS: Final = Asset("tenancy://alerts")
"""Updated when an alert is due; tenant_notifications is scheduled on it."""
ALERTS_ALIAS: Final = AssetAlias("tenancy_alerts")
"""With an alias, a task decides at run time whether it updates the asset."""


def request_notification(context: "Context", ledger: "Ledger") -> None:
    """Make tenant_notifications run, if an alert is due. Never fails: the pass that calls it has done its work."""
    from tenancy.ledger.alerts import has_due_alerts

    try:
        with ledger.open("tenancy notify") as session:
            if has_due_alerts(session):
                context["outlet_events"][ALERTS_ALIAS].add(ALERTS)
    except Exception as error:  # noqa: BLE001 - the next pass asks again
        log.warning("cannot find out whether an alert is due: %s", error)


class NotificationOperator(BaseOperator):
    """Delivers the alerts that are due."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(task_id="notify", do_xcom_push=False, **kwargs)

    def execute(self, context: "Context") -> None:  # noqa: ARG002 - Airflow passes it
        from tenancy import bootstrap
        from tenancy.engine.notifications.alert_messages import Message
        from tenancy.engine.notifications.deliver_alerts import deliver
        from tenancy.ledger.alerts import Delivery
        from tenancy.ledger.ledger import Ledger
        from tenancy.orchestration.notifiers import channel

        platform = bootstrap.platform().name

        def write(delivery: Delivery) -> Message:
            return Message(delivery, bootstrap.console_url(delivery.alert.path), platform)

        connections = bootstrap.notify_connections()
        channels = {name: channel(name, connection, write) for name, connection in connections.items()}
        self.log.info("this pass: %s", deliver(Ledger(bootstrap.ledger_dsn()), channels))
