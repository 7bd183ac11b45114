"""How the triggerer answers a trigger that asks for an Airflow connection: by reading it, not by making an API for it.

Airflow 3.3.2 makes its whole execution API inside the triggerer, in all versions, to answer the first such question:
87 MB, and 5 to 10 s of waiting on a busy machine. The API's route (execution_api/routes/connections.py) does no more
than `Connections.get` does here, with the same secrets backends. `TriggerRunnerSupervisor.make_client` is meant to be
overridden, says its docstring, but no setting names a subclass (ADR 10). Whatever else a trigger asks for is still
answered by the API.

Called by airflow_local_settings.py, in the triggerer's main process only; that one may read Airflow's database.
Guarded by tests/integration/test_triggerer_connections.py.
"""

import sys
from collections.abc import Callable
from functools import cached_property
from typing import Any

_SUPERVISOR = "airflow.jobs.triggerer_job_runner"


def read_directly() -> None:
    """From now on. Where Airflow is not as expected nothing changes."""
    supervisor = getattr(sys.modules.get(_SUPERVISOR), "TriggerRunnerSupervisor", None)
    make = getattr(supervisor, "make_client", None)
    if make and not hasattr(make, "stock"):
        supervisor.make_client = _thrifty(make)  # type: ignore[union-attr]


def _thrifty(stock: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def make_client(supervisor: Any) -> Any:
        return ExecutionApiClient(lambda: stock(supervisor))

    make_client.stock = stock  # type: ignore[attr-defined]
    return make_client


class ExecutionApiClient:
    """Airflow's client of its execution API. It is created when a trigger asks for anything but a connection."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self.connections = Connections()

    @cached_property
    def _stock(self) -> Any:
        return self._make()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stock, name)


class Connections:
    """Answers as airflow.sdk.api.client.ConnectionOperations does."""

    def get(self, conn_id: str) -> Any:
        """A ConnectionResponse, or an ErrorResponse when no backend knows the connection."""
        from airflow.exceptions import AirflowNotFoundException  # read before Airflow is
        from airflow.models.connection import Connection
        from airflow.sdk.api.datamodels._generated import ConnectionResponse
        from airflow.sdk.exceptions import ErrorType
        from airflow.sdk.execution_time.comms import ErrorResponse

        try:
            found = Connection.get_connection_from_secrets(conn_id)
        except AirflowNotFoundException:
            return ErrorResponse(error=ErrorType.CONNECTION_NOT_FOUND, detail={"conn_id": conn_id})
        return ConnectionResponse.model_validate(found, from_attributes=True)
