"""The operator of the DAG tenant_compensation. The work itself is in engine/recovery/unwind.py."""

import sys
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowTaskTimeout

from tenancy.saga.errors import Refused, Stopped

if TYPE_CHECKING:
    from airflow.sdk import Context


class CompensationOperator(BaseOperator):
    """Unwinds one tenant for one generation. What is left after the last try makes the tenant stuck."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(task_id="compensate", do_xcom_push=False, **kwargs)

    def execute(self, context: "Context") -> None:
        """A run that is superseded or already done succeeds and logs that."""
        from uuid import UUID

        from tenancy.bootstrap import tenancy
        from tenancy.engine.recovery.unwind import ran_out_of_time, unwind
        from tenancy.ledger.envelope import Stamp
        from tenancy.saga.names import TenantId

        params, ti = context["params"], context["ti"]
        stamp = Stamp("saga", reason=f"purpose: {params['purpose']}", lease=str(ti.id))
        unwinding = (tenancy(), TenantId(UUID(params["tenant_id"])), params["generation"])
        last_try = ti.try_number > self.retries
        try:
            saga = unwind(*unwinding, stamp=stamp, last_try=last_try)
        except Refused as refusal:
            self.log.info("nothing to do: %s", refusal)
            return
        except AirflowTaskTimeout:
            if not last_try:
                raise
            saga = ran_out_of_time(*unwinding, stamp=stamp)
        self.log.info("%s is %s", saga.parameters.slug, saga.phase)

    def on_kill(self) -> None:
        from tenancy.adapters.helm import kill_children

        kill_children()
        if not isinstance(sys.exception(), AirflowTaskTimeout):
            raise Stopped
