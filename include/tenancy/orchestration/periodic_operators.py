"""The operators of two periodic DAGs: the reconciler and the drift check."""

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from tenancy.orchestration.notification_operator import ALERTS_ALIAS, request_notification
from tenancy.orchestration.periodic_tasks import skip_backfill
from tenancy.saga.errors import TenancyError

if TYPE_CHECKING:
    from airflow.sdk import Context

    from tenancy.engine.tenancy import Tenancy


class ReconciliationOperator(BaseOperator):
    """One pass of the reconciler."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(task_id="reconcile", do_xcom_push=False, outlets=[ALERTS_ALIAS], **kwargs)

    def execute(self, context: "Context") -> None:
        from tenancy.bootstrap import tenancy
        from tenancy.engine.reconciliation.reconcile import reconcile

        skip_backfill(context)
        joined = tenancy()
        self.log.info("this pass: %s", reconcile(joined))
        request_notification(context, joined.ledger)


class DriftCheckOperator(BaseOperator):
    """One drift check."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(task_id="check", do_xcom_push=False, **kwargs)

    def execute(self, context: "Context") -> None:
        from tenancy.bootstrap import tenancy
        from tenancy.engine.reconciliation.drift_check import run_drift_check

        skip_backfill(context)
        joined = tenancy()
        self.log.info("this pass: %s", run_drift_check(joined))
        self._prune(joined)

    def _prune(self, joined: "Tenancy") -> None:
        """What cannot be deleted now is deleted by a later pass, in half an hour."""
        from pathlib import Path

        from airflow.sdk.configuration import conf

        from tenancy.engine.engine_report import PERIODIC_DAGS
        from tenancy.engine.reconciliation.pruning import KEPT, prune
        from tenancy.orchestration.task_log_pruning import prune_task_logs

        try:
            self.log.info("pruned: %s", prune(joined))
            folder = Path(conf.get("logging", "base_log_folder"))
            logs = prune_task_logs(folder, PERIODIC_DAGS, before=joined.now() - KEPT)
            self.log.info("pruned: task logs of %d runs", logs)
        except (TenancyError, OSError) as error:
            self.log.warning("not pruned in this pass: %s", error)
